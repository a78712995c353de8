-- load_held.lua: write down who holds what, from SQL, while the quota is closed.
-- KEYS   1 held (hash)   2 days (hash)
-- ARGV   1 '1' when the campaign has one tier a day   then for each claim: holder 'resident_id:tier',
--        'serial.claimed_at_ms.', resident_id, day yyyymmdd
-- Return how many claims were new.
-- Invariant: the same claim again changes nothing; a day never falls. Caller: storage/redis/rebuild.py
local new = 0
for i = 2, #ARGV, 4 do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if not held then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    new = new + 1
  elseif not string.find(',' .. held, ',' .. ARGV[i + 1], 1, true) then
    redis.call('HSET', KEYS[1], ARGV[i], held .. ',' .. ARGV[i + 1])
    new = new + 1
  end
  if ARGV[1] == '1' and ARGV[i + 3] > (redis.call('HGET', KEYS[2], ARGV[i + 2]) or '') then
    redis.call('HSET', KEYS[2], ARGV[i + 2], ARGV[i + 3])
  end
end
return new
