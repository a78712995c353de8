-- restore.lua: give a lost claim back to its holder, once, and put it on the way to SQL.
-- KEYS   1 quota (hash)   2 held (hash)   3 days (hash)   4 claims (stream)
-- ARGV   1 epoch  2 resident_id  3 tier position  4 tier id  5 serial  6 claimed_at_ms
--        7 day of the claim yyyymmdd  8 valid_from_ms  9 valid_until_ms  10 '1' when the claim is of an
--        older epoch than the quota's: only such a claim can have been lost
-- Return {status, claim}: claim is 'serial.claimed_at_ms.tag' of the unit restored or held, else ''.
--   1 restored   0 held already   -1 exhausted   -2 limit reached   -3 not loaded
--   -7 limit of the day reached   -8 of this epoch, and not held: this quota does not know it
-- Invariant: that of claim.lua; a restored unit leaves left:N and enters given:N. Neither pause nor end
-- matters: the claim was taken in time. Caller: storage/redis/rebuild.py
local quota = redis.call('HMGET', KEYS[1], 'epoch', 'per_person_per_tier', 'one_tier_per_day',
  'left:' .. ARGV[3])
if quota[1] ~= ARGV[1] or not quota[4] then return {-3, ''} end

local holder = ARGV[2] .. ':' .. ARGV[3]
local held = redis.call('HGET', KEYS[2], holder) or ''
local wanted = ARGV[5] .. '.' .. ARGV[6] .. '.'
local count, latest = 0, ''
for claim in string.gmatch(held, '[^,]+') do
  if string.sub(claim, 1, #wanted) == wanted then return {0, claim} end
  count, latest = count + 1, claim
end
if ARGV[10] ~= '1' then return {-8, latest} end
if count >= tonumber(quota[2]) then return {-2, latest} end
local day = redis.call('HGET', KEYS[3], ARGV[2]) or ''
if quota[3] == '1' and day == ARGV[7] then return {-7, latest} end
if tonumber(quota[4]) < 1 then return {-1, latest} end

redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[3], -1)
redis.call('HINCRBY', KEYS[1], 'given:' .. ARGV[3], 1)
redis.call('HSET', KEYS[2], holder, held == '' and wanted or held .. ',' .. wanted)
if quota[3] == '1' and ARGV[7] > day then redis.call('HSET', KEYS[3], ARGV[2], ARGV[7]) end
redis.call('XADD', KEYS[4], '*', 'epoch', ARGV[1], 'tier_id', ARGV[4], 'serial', ARGV[5],
  'resident_id', ARGV[2], 'claimed_at_ms', ARGV[6], 'valid_from_ms', ARGV[8], 'valid_until_ms', ARGV[9])
return {1, wanted}
