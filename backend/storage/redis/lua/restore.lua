-- restore.lua: give a lost claim back to its holder, once, and put it on the way to SQL.
-- KEYS   1 quota (hash)   2 claims (stream)   3 buckets (bitmap)   4 held, the resident's bucket (hash)
-- ARGV   1 epoch  2 resident_id  3 tier position  4 tier id  5 serial  6 claimed_at_ms
--        7 resident's field in the bucket  8 his bucket's number  9 the claim 'tier.serial.at.'
--        10, 11 beginning and end of the claim's day in China, ms since the opening, decimal
--        12 valid_from_ms  13 valid_until_ms  14 '1' when the claim is of an older epoch than the
--        quota's: only such a claim can have been lost  15 as of claim.lua, for the claim's own day
--        16 now_ms  17 the epoch that the serial was given in  18 the serial before that epoch's first
-- Return {status, claim}: claim is 'tier.serial.at.tag' (held.py) of the unit restored or held, else ''.
--   1 restored   0 held already   -1 exhausted   -2 limit reached   -3 not loaded
--   -7, -9, -10 as of claim.lua, for the claim's own day
--   -8 of this epoch, and not held: this quota does not know it
-- Invariant: that of claim.lua; a restored unit leaves left:N and enters given:N. Neither pause nor end
-- matters: the claim was taken in time.
-- Serials are given one after the other, so a serial shows that all below it were given. known:N:E is
-- the highest that SQL or a receipt has shown of epoch E. Those up to it that SQL does not have are lost:
-- so many units are reserved:N until reserve_until_ms, for epochs from reserve_from on. A receipt with a
-- higher serial adds what it shows; each unit restored uses one up. reserved:N may pass left:N: units that
-- come back (recycle.lua) are then the receipts' first. Caller: storage/redis/rebuild.py
local quota = redis.call('HMGET', KEYS[1], 'epoch', 'per_person_per_tier', 'one_tier_per_day',
  'left:' .. ARGV[3], 'per_person', 'per_person_per_day', 'today:' .. ARGV[3],
  'reserve_until_ms', 'reserve_from', 'reserved:' .. ARGV[3])
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

local refused
if of_tier >= tonumber(quota[2]) then refused = {-2, latest}
elseif quota[5] and in_all >= tonumber(quota[5]) then refused = {-9, other}
elseif quota[3] == '1' and that_day > 0 then refused = {-7, other}
elseif quota[6] and that_day >= tonumber(quota[6]) then refused = {-10, other} end

local reserved = 0
if quota[8] and tonumber(ARGV[16]) < tonumber(quota[8]) and tonumber(ARGV[17]) >= tonumber(quota[9]) then
  reserved = tonumber(quota[10])
  local field, serial = 'known:' .. ARGV[3] .. ':' .. ARGV[17], tonumber(ARGV[5])
  local known = tonumber(redis.call('HGET', KEYS[1], field) or ARGV[18])
  if serial > known then
    -- Whoever is refused has his voucher in place of the lost one: that unit is kept for nobody.
    reserved = reserved + serial - known - (refused and 1 or 0)
    redis.call('HSET', KEYS[1], field, ARGV[5], 'reserved:' .. ARGV[3], string.format('%d', reserved))
  end
end
if refused then return refused end
if tonumber(quota[4]) < 1 then return {-1, latest} end

if reserved > 0 then redis.call('HINCRBY', KEYS[1], 'reserved:' .. ARGV[3], -1) end
redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[3], -1)
redis.call('HINCRBY', KEYS[1], 'given:' .. ARGV[3], 1)
if ARGV[15] ~= '' then  -- only the newest day is kept: no other can be claimed from any more
  local day, taken = string.match(quota[7] or '', '^(-?%d+):(%d+)$')
  local known = tonumber(day or '-2')
  if known == tonumber(ARGV[15]) then
    redis.call('HSET', KEYS[1], 'today:' .. ARGV[3], day .. ':' .. (tonumber(taken) + 1))
  elseif known < tonumber(ARGV[15]) then
    redis.call('HSET', KEYS[1], 'today:' .. ARGV[3], ARGV[15] .. ':1')
  end
end
if not held then redis.call('SETBIT', KEYS[3], ARGV[8], 1) end
redis.call('HSET', KEYS[4], ARGV[7], held and held .. ',' .. ARGV[9] or ARGV[9])
redis.call('XADD', KEYS[2], '*', 'epoch', ARGV[1], 'tier_id', ARGV[4], 'serial', ARGV[5],
  'resident_id', ARGV[2], 'claimed_at_ms', ARGV[6], 'valid_from_ms', ARGV[12], 'valid_until_ms', ARGV[13])
return {1, ARGV[9]}
