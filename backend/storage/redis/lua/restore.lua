-- restore.lua: give a lost claim back to its holder, once, and put it on the way to SQL.
-- KEYS   1 quota (hash)   2 claims (stream)   3 buckets (bitmap)   4 held, the resident's bucket (hash)
-- ARGV   1 epoch  2 resident_id  3 tier position  4 tier id  5 serial  6 claimed_at_ms
--        7 resident's field in the bucket  8 his bucket's number  9 the claim 'tier.serial.at.'
--        10, 11 beginning and end of the claim's day in China, ms since the opening, decimal
--        12 valid_from_ms  13 valid_until_ms  14 '1' when the claim is of an older epoch than the
--        quota's: only such a claim can have been lost
-- Return {status, claim}: claim is 'tier.serial.at.tag' (held.py) of the unit restored or held, else ''.
--   1 restored   0 held already   -1 exhausted   -2 limit reached   -3 not loaded
--   -7, -9, -10 as of claim.lua, for the claim's own day
--   -8 of this epoch, and not held: this quota does not know it
-- Invariant: that of claim.lua; a restored unit leaves left:N and enters given:N. Neither pause nor end
-- matters: the claim was taken in time. Caller: storage/redis/rebuild.py
local quota = redis.call('HMGET', KEYS[1], 'epoch', 'per_person_per_tier', 'one_tier_per_day',
  'left:' .. ARGV[3], 'per_person', 'per_person_per_day')
if quota[1] ~= ARGV[1] or not quota[4] then return {-3, ''} end

local held = redis.call('HGET', KEYS[4], ARGV[7])
local of_tier, in_all, that_day, latest, other = 0, 0, 0, '', ''
if held then
  local day_began, day_ended = tonumber(ARGV[10]), tonumber(ARGV[11])
  for claim, tier, at in string.gmatch(held, '((%d+)%.%x+%.(%x+)%.[^,]*)') do
    if string.sub(claim, 1, #ARGV[9]) == ARGV[9] then return {0, claim} end
    if tier == ARGV[3] then of_tier, latest = of_tier + 1, claim end
    local at_ms = tonumber(at, 16)
    if at_ms >= day_began and at_ms < day_ended then that_day = that_day + 1 end
    in_all, other = in_all + 1, claim
  end
end
if ARGV[14] ~= '1' then return {-8, latest} end
if of_tier >= tonumber(quota[2]) then return {-2, latest} end
if quota[5] and in_all >= tonumber(quota[5]) then return {-9, other} end
if quota[3] == '1' and that_day > 0 then return {-7, other} end
if quota[6] and that_day >= tonumber(quota[6]) then return {-10, other} end
if tonumber(quota[4]) < 1 then return {-1, latest} end

redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[3], -1)
redis.call('HINCRBY', KEYS[1], 'given:' .. ARGV[3], 1)
if not held then redis.call('SETBIT', KEYS[3], ARGV[8], 1) end
redis.call('HSET', KEYS[4], ARGV[7], held and held .. ',' .. ARGV[9] or ARGV[9])
redis.call('XADD', KEYS[2], '*', 'epoch', ARGV[1], 'tier_id', ARGV[4], 'serial', ARGV[5],
  'resident_id', ARGV[2], 'claimed_at_ms', ARGV[6], 'valid_from_ms', ARGV[12], 'valid_until_ms', ARGV[13])
return {1, ARGV[9]}
