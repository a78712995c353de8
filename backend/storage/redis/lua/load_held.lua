-- load_held.lua: write down who holds what, from SQL, while the quota is closed.
-- KEYS   1 buckets (bitmap)   2… held, the buckets of these claims (hashes)
-- ARGV   the number of each bucket, in the order of KEYS; then for each claim: place of its bucket in
--        KEYS, resident's field, 'tier.serial.at.' without a tag
-- Return how many claims were new.
-- Invariant: the same claim again changes nothing. Caller: storage/redis/rebuild.py
local call, keys, args, new = redis.call, KEYS, ARGV, 0
for i = 2, #keys do call('SETBIT', keys[1], args[i - 1], 1) end
for i = #keys, #args, 3 do
  local bucket, field, claim = keys[tonumber(args[i])], args[i + 1], args[i + 2]
  if call('HSETNX', bucket, field, claim) == 1 then
    new = new + 1
  else
    local held = call('HGET', bucket, field)
    if not string.find(',' .. held, ',' .. claim, 1, true) then
      call('HSET', bucket, field, held .. ',' .. claim)
      new = new + 1
    end
  end
end
return new
