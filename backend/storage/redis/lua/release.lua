-- release.lua: give the units that are reserved for receipts to everybody, and let claims go on at once.
-- KEYS   1 quota (hash)
-- ARGV   1 epoch   2 now_ms   3… tier positions
-- Return -3 not loaded, else the units that were reserved for each position, in their order.
-- Invariant: that of claim.lua: reserved:N is a part of left:N and counts nowhere else. Receipts are
-- honoured on from what is left; none reserves anything any more. Caller: storage/redis/reserve.py
local quota = redis.call('HMGET', KEYS[1], 'epoch', 'reserve_until_ms')
if quota[1] ~= ARGV[1] then return -3 end
local reserving = quota[2] and tonumber(ARGV[2]) < tonumber(quota[2])
local units = {}
for i = 3, #ARGV do
  local counts = redis.call('HMGET', KEYS[1], 'left:' .. ARGV[i], 'reserved:' .. ARGV[i])
  local reserved = reserving and tonumber(counts[2]) or 0
  units[#units + 1] = math.min(reserved, tonumber(counts[1]))
  redis.call('HDEL', KEYS[1], 'reserved:' .. ARGV[i])
end
redis.call('HDEL', KEYS[1], 'receipts_until_ms', 'claims_wait_until_ms', 'reserve_until_ms',
  'reserve_from', 'reserve_day')
return units
