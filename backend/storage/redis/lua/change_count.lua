-- change_count.lua: add the units of one numbered change of a tier's count, once.
-- KEYS   1 quota (hash)
-- ARGV   1 epoch   2 number of the change, from 1 for each tier   3 tier position   4 units, below
--        zero only for a campaign that does not run yet
-- Return 1 added, 0 this change or a later one was added before, -3 not loaded, -15 a change before
--   this one is missing here, -17 more units would be taken away than are left.
-- Invariant: that of claim.lua. counted:N is the number of the last change that the quota holds; SQL
-- wrote the change before, in the row that says the tier's count.  Caller: storage/redis/counts.py
local quota = redis.call('HMGET', KEYS[1], 'epoch', 'counted:' .. ARGV[3], 'left:' .. ARGV[3])
if quota[1] ~= ARGV[1] or not quota[3] then return -3 end
local known, number = tonumber(quota[2] or '0'), tonumber(ARGV[2])
if number <= known then return 0 end
if number ~= known + 1 then return -15 end
if tonumber(quota[3]) + tonumber(ARGV[4]) < 0 then return -17 end
redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[3], ARGV[4])
redis.call('HSET', KEYS[1], 'counted:' .. ARGV[3], ARGV[2])
return 1
