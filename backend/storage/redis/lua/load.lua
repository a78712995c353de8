-- load.lua: load a campaign's quota once; a second load of the same epoch changes nothing.
-- KEYS   1 quota (hash)
-- ARGV   1 epoch   then pairs field, value (among them left:N and issued:N)
-- Return 1 loaded, 0 already there.
-- Invariant: a loaded quota is never loaded over, or units already given would be given again.
-- Caller: storage/redis/quota.py
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.error_reply('another epoch is loaded') end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1])  -- last: without it every claim is refused
return 1
