-- recycle.lua: give the units of one batch of expired vouchers back to their tier, once.
-- KEYS   1 quota (hash)
-- ARGV   1 epoch   2 number of the batch, from 1 in each campaign   3 tier position   4 units
-- Return 1 given back, 0 this batch or a later one was given back before, -3 not loaded,
--   -15 a batch before this one is missing here.
-- Invariant: that of claim.lua, where returned:N counts the units given back: left:N + given:N +
-- (next:N - the epoch's first serial) - returned:N = the tier's count. recycled_batch is the last
-- batch that returned:N holds, of all tiers. SQL wrote the batch before. Caller: storage/redis/quota.py
local quota = redis.call('HMGET', KEYS[1], 'epoch', 'recycled_batch', 'left:' .. ARGV[3])
if quota[1] ~= ARGV[1] or not quota[3] then return -3 end
local known, number = tonumber(quota[2] or '0'), tonumber(ARGV[2])
if number <= known then return 0 end
if number ~= known + 1 then return -15 end
redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[3], ARGV[4])
redis.call('HINCRBY', KEYS[1], 'returned:' .. ARGV[3], ARGV[4])
redis.call('HSET', KEYS[1], 'recycled_batch', ARGV[2])
return 1
