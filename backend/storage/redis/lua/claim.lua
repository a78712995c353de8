-- claim.lua: take one unit of a tier for one resident, once per request, and put it on the way to SQL.
-- KEYS   1 quota (hash)   2 held (hash)   3 days (hash)   4 claims (stream)
-- ARGV   1 epoch  2 now_ms  3 resident_id  4 tier position  5 tier id  6 request tag  7 day yyyymmdd
--        8 valid_from_ms  9 valid_until_ms
-- Return {status, claim}: claim is 'serial.claimed_at_ms.tag' of the unit taken or held, else ''.
--   1 taken   0 replayed   -1 exhausted   -2 limit reached   -3 not loaded   -4 not open   -5 closed
--   -6 paused   -7 limit of the day reached
-- Invariant: left:N + given:N + (next:N - the epoch's first serial) = the tier's count. next:N is the
-- serial the next claim takes and never falls; given:N counts the units that were given before this
-- epoch was loaded or are restored by receipt (restore.lua). Nothing else writes these fields while
-- the campaign runs. Caller: storage/redis/quota.py
local quota = redis.call('HMGET', KEYS[1], 'epoch', 'state', 'opens_at_ms', 'ends_at_ms',
  'per_person_per_tier', 'one_tier_per_day', 'left:' .. ARGV[4], 'next:' .. ARGV[4])
if quota[1] ~= ARGV[1] or not quota[7] or not quota[8] then return {-3, ''} end

-- A replay comes first: somebody who was told of a voucher is told of it again, whatever happened since.
local holder = ARGV[3] .. ':' .. ARGV[4]
local held = redis.call('HGET', KEYS[2], holder) or ''
local count, latest, untagged = 0, '', nil
for claim in string.gmatch(held, '[^,]+') do
  if string.sub(claim, -(#ARGV[6] + 1)) == '.' .. ARGV[6] then return {0, claim} end
  if string.sub(claim, -1) == '.' then untagged = untagged or claim end
  count, latest = count + 1, claim
end
-- A claim from SQL or from a receipt has lost its tag: the first request that comes may be its own
-- repeated, so it is answered with it and leaves its tag.
if untagged then
  local first, last = string.find(held, untagged, 1, true)
  local claim = untagged .. ARGV[6]
  redis.call('HSET', KEYS[2], holder, string.sub(held, 1, first - 1) .. claim .. string.sub(held, last + 1))
  return {0, claim}
end

if quota[2] == 'paused' then return {-6, latest} end
if quota[2] == 'approved' then return {-4, latest} end
if quota[2] ~= 'running' then return {-5, latest} end
local now_ms = tonumber(ARGV[2])
if now_ms < tonumber(quota[3]) then return {-4, latest} end
if now_ms >= tonumber(quota[4]) then return {-5, latest} end
if count >= tonumber(quota[5]) then return {-2, latest} end
if quota[6] == '1' and redis.call('HGET', KEYS[3], ARGV[3]) == ARGV[7] then return {-7, latest} end
if tonumber(quota[7]) < 1 then return {-1, latest} end

redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[4], -1)
local serial = redis.call('HINCRBY', KEYS[1], 'next:' .. ARGV[4], 1) - 1
local claim = string.format('%d', serial) .. '.' .. ARGV[2] .. '.' .. ARGV[6]
redis.call('HSET', KEYS[2], holder, held == '' and claim or held .. ',' .. claim)
if quota[6] == '1' then redis.call('HSET', KEYS[3], ARGV[3], ARGV[7]) end
redis.call('XADD', KEYS[4], '*', 'epoch', ARGV[1], 'tier_id', ARGV[5],
  'serial', string.format('%d', serial), 'resident_id', ARGV[3], 'claimed_at_ms', ARGV[2],
  'valid_from_ms', ARGV[8], 'valid_until_ms', ARGV[9])
return {1, claim}
