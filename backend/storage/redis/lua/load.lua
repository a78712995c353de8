-- load.lua: load a campaign's quota once; a second load of the same epoch changes nothing.
-- KEYS   1 quota (hash)
-- ARGV   1 epoch   2 '1' when held claims were loaded before (clear.lua, load_held.lua), else '0'
--        then pairs field, value (among them left:N, next:N and given:N)
-- Return 1 loaded, 0 already there.
-- Invariant: a loaded quota is never loaded over, or units already given would be given again. What
-- has no epoch is no quota: a loading that died, or a state that came to an emptied server. Held
-- claims that were lost again while they were loaded must not be missing from the quota.
-- Caller: storage/redis/quota.py
local found = redis.call('HMGET', KEYS[1], 'epoch', 'loading')
if found[1] == ARGV[1] then return 0 end
if found[1] then return redis.error_reply('another epoch is loaded') end
if ARGV[2] == '1' and found[2] ~= ARGV[1] then return redis.error_reply('the loading was lost') end
redis.call('DEL', KEYS[1])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1])  -- last: without it every claim is refused
return 1
