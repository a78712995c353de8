-- load_held.lua: write down who holds what, from SQL, while the quota is closed.
-- KEYS   1 buckets (bitmap)   2… held, the buckets of these claims (hashes)
-- ARGV   for each claim: place of its bucket in KEYS, number of the bucket, resident's field,
--        'tier.serial.at.' without a tag
-- Return how many claims were new.
-- Invariant: the same claim again changes nothing. Caller: storage/redis/rebuild.py
local new = 0
for i = 1, #ARGV, 4 do
  local bucket, field, claim = KEYS[tonumber(ARGV[i])], ARGV[i + 2], ARGV[i + 3]
  local held = redis.call('HGET', bucket, field)
  if not held then
    redis.call('SETBIT', KEYS[1], ARGV[i + 1], 1)
    redis.call('HSET', bucket, field, claim)
    new = new + 1
  elseif not string.find(',' .. held, ',' .. claim, 1, true) then
    redis.call('HSET', bucket, field, held .. ',' .. claim)
    new = new + 1
  end
end
return new
