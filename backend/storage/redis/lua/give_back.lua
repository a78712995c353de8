-- give_back.lua: give a unit that nobody paid with back to its tier and to its resident's limits, once.
-- KEYS   1 quota (hash)   2 held, the resident's bucket (hash)
-- ARGV   1 epoch   2 tier position   3 resident's field in the bucket   4 the claim's 'tier.serial.'
--        5 number of the release day that it was taken on, '' where days are added up or there is none
-- Return 1 given back, 0 it was given back before or never held here, -3 not loaded.
-- Invariant: that of claim.lua, where returned:N counts the units given back. The held claim itself says
-- whether its unit is out: gone with the unit's return, in one step. SQL has it as returned before, and a
-- loading takes both from the same row, so neither a repetition nor a rebuild gives it back twice.
-- Caller: storage/redis/returns.py
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return -3 end
local held = redis.call('HGET', KEYS[2], ARGV[3])
if not held or not string.find(',' .. held, ',' .. ARGV[4], 1, true) then return 0 end
local others = {}
for claim in string.gmatch(held, '[^,]+') do
  if string.sub(claim, 1, #ARGV[4]) ~= ARGV[4] then others[#others + 1] = claim end
end
if #others == 0 then
  redis.call('HDEL', KEYS[2], ARGV[3])
else
  redis.call('HSET', KEYS[2], ARGV[3], table.concat(others, ','))
end
redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[2], 1)
redis.call('HINCRBY', KEYS[1], 'returned:' .. ARGV[2], 1)
if ARGV[5] ~= '' then
  local today = redis.call('HGET', KEYS[1], 'today:' .. ARGV[2])
  local day, taken = string.match(today or '', '^(-?%d+):(%d+)$')
  if day == ARGV[5] and tonumber(taken) > 0 then
    redis.call('HSET', KEYS[1], 'today:' .. ARGV[2], day .. ':' .. (tonumber(taken) - 1))
  end
end
return 1
