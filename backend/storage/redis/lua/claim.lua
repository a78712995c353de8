-- claim.lua: take one unit of a tier for one resident, once per request, and put it on the way to SQL.
-- KEYS   1 quota (hash)   2 claims (stream)   3 buckets (bitmap)   4 held, the resident's bucket (hash)
-- ARGV   1 epoch  2 now_ms  3 resident_id  4 tier position  5 tier id  6 request tag
--        7 resident's field in the bucket  8 his bucket's number
--        9 now, as a claim's text has it: ms since the opening, hexadecimal
--        10 beginning of the day in China, ms since the opening, decimal
--        11 valid_from_ms  12 valid_until_ms
--        13 the status of a rule outside this script that bars the claim now, else 0
--        14 units of the tier that are not released yet
--        15 number of the release day, '' where days are added up or there is none
--        16 units of the tier that this release day gives out, where 15 says one
--        17 nonce of the ticket, '' without a good one   18 the claim's marks   19 its range of addresses
-- Return {status, claim}: claim is 'tier.serial.at.tag' (held.py) of the unit taken or held, else ''.
--   1 taken   2 taken with a ticket that was used before   0 replayed   -1 exhausted   -2 limit reached   -3 not loaded   -4 not open   -5 closed
--   -6 paused   -7 one tier a day, and today's is taken   -9 person's limit over all tiers reached
--   -10 person's limit of the day over all tiers reached   -11 released units exhausted, others follow
--   -12 to -14, -17: what 13 says
--   -16 restoring: receipts come first until the moment that follows claim after an '@', in ms
-- Invariant: left:N + given:N + (next:N - the epoch's first serial) - returned:N = the tier's count
-- (returned:N: recycle.lua). next:N is the
-- serial the next claim takes and never falls; given:N counts the units that were given before this
-- epoch was loaded or are restored by receipt (restore.lua). Nothing else writes these fields while
-- the campaign runs. Of left:N, reserved:N units are kept for receipts (restore.lua) until
-- reserve_until_ms; it may pass left:N. Before claims_wait_until_ms nothing new is taken at all.
-- receipts_until_ms is the later of the two, absent in a quota that was never rebuilt. today:N is
-- 'release day:units taken on it', kept where 15 says a day. A bucket that exists has its bit.
-- server_clock stands until the opening has come by both clocks. Caller: storage/redis/quota.py
-- In a batch the quota is read once for each tier: nobody but this script writes it meanwhile, and
-- what it writes it writes into `read` too (batch.lua makes it).
local read = KEYS.read
local quota = read and read[ARGV[4]] or redis.call('HMGET', KEYS[1], 'epoch', 'state', 'opens_at_ms', 'ends_at_ms',
  'per_person_per_tier', 'one_tier_per_day', 'left:' .. ARGV[4], 'next:' .. ARGV[4],
  'per_person', 'per_person_per_day', 'today:' .. ARGV[4], 'receipts_until_ms', 'server_clock')
if read then read[ARGV[4]] = quota end
if quota[1] ~= ARGV[1] or not quota[7] or not quota[8] then return {-3, ''} end

-- A replay comes first: somebody who was told of a voucher is told of it again, whatever happened since.
local held = redis.call('HGET', KEYS[4], ARGV[7])
local of_tier, in_all, today, latest, other, untagged = 0, 0, 0, '', '', nil
local tag_bytes, ticket_used = #ARGV[6], false
if held then
  local day_began = tonumber(ARGV[10])
  for claim, tier, at, tag in string.gmatch(held, '((%d+)%.%x+%.(%x+)%.([^,]*))') do
    if tier == ARGV[4] then
      if string.sub(tag, 1, tag_bytes) == ARGV[6] then return {0, claim} end
      if tag == '' then untagged = untagged or claim end
      of_tier, latest = of_tier + 1, claim
    end
    if ARGV[17] ~= '' and string.sub(tag, tag_bytes + 1) == ARGV[17] then ticket_used = true end
    if tonumber(at, 16) >= day_began then today = today + 1 end
    in_all, other = in_all + 1, claim
  end
end
-- A claim from SQL or from a receipt has lost its tag: the first request that comes may be its own
-- repeated, so it is answered with it and leaves its tag.
if untagged then
  local first, last = string.find(',' .. held, ',' .. untagged, 1, true)
  local claim = untagged .. ARGV[6] .. ARGV[17]
  redis.call('HSET', KEYS[4], ARGV[7], string.sub(held, 1, first - 1) .. claim .. string.sub(held, last))
  return {0, claim}
end

if quota[2] == 'paused' then return {-6, latest} end
if quota[2] == 'approved' then return {-4, latest} end
if quota[2] ~= 'running' then return {-5, latest} end
local now_ms = tonumber(ARGV[2])
if now_ms < tonumber(quota[3]) then return {-4, latest} end
if quota[13] then  -- until the opening has come by this server's clock too, whoever's runs ahead
  local time = redis.call('TIME')
  if time[1] * 1000 + math.floor(time[2] / 1000) < tonumber(quota[3]) then return {-4, latest} end
  redis.call('HDEL', KEYS[1], 'server_clock')
  quota[13] = false
end
if now_ms >= tonumber(quota[4]) then return {-5, latest} end
if ARGV[13] ~= '0' then return {tonumber(ARGV[13]), latest} end
if of_tier >= tonumber(quota[5]) then return {-2, latest} end
if quota[9] and in_all >= tonumber(quota[9]) then return {-9, other} end
if quota[6] == '1' and today > 0 then return {-7, other} end
if quota[10] and today >= tonumber(quota[10]) then return {-10, other} end
-- After a rebuild those come first whose claims were lost, by their receipts. Told before "sold out":
-- whoever asks may be one of them.
local left, reserved, reserve_day = tonumber(quota[7]), 0, ''
if quota[12] and now_ms < tonumber(quota[12]) then
  local kept = redis.call('HMGET', KEYS[1], 'claims_wait_until_ms', 'reserve_until_ms',
    'reserved:' .. ARGV[4], 'reserve_day')
  if now_ms < tonumber(kept[1]) then return {-16, latest .. '@' .. kept[1]} end
  if now_ms < tonumber(kept[2]) then reserved, reserve_day = tonumber(kept[3]), kept[4] end
end
left = left - reserved
if left < 1 then return {-1, latest} end
if left - tonumber(ARGV[14]) < 1 then return {-11, latest} end
local taken_today = 0
if ARGV[15] ~= '' then
  local day, taken = string.match(quota[11] or '', '^(-?%d+):(%d+)$')
  if day == ARGV[15] then taken_today = tonumber(taken) end
  if reserve_day ~= ARGV[15] then reserved = 0 end  -- they were claimed on a day before
  if taken_today + reserved >= tonumber(ARGV[16]) then return {-11, latest} end
end

quota[7] = redis.call('HINCRBY', KEYS[1], 'left:' .. ARGV[4], -1)
if ARGV[15] ~= '' then
  quota[11] = ARGV[15] .. ':' .. (taken_today + 1)
  redis.call('HSET', KEYS[1], 'today:' .. ARGV[4], quota[11])
end
quota[8] = redis.call('HINCRBY', KEYS[1], 'next:' .. ARGV[4], 1)
local serial = quota[8] - 1
local claim = string.format('%s.%x.%s.%s%s', ARGV[4], serial, ARGV[9], ARGV[6], ARGV[17])
if held then
  redis.call('HSET', KEYS[4], ARGV[7], held .. ',' .. claim)
else
  redis.call('HSET', KEYS[4], ARGV[7], claim)
  if redis.call('HLEN', KEYS[4]) == 1 then redis.call('SETBIT', KEYS[3], ARGV[8], 1) end
end
redis.call('XADD', KEYS[2], '*', 'epoch', ARGV[1], 'tier_id', ARGV[5],
  'serial', string.format('%d', serial), 'resident_id', ARGV[3], 'claimed_at_ms', ARGV[2],
  'valid_from_ms', ARGV[11], 'valid_until_ms', ARGV[12],
  'marks', ticket_used and string.format('%d', ARGV[18] + 32) or ARGV[18], 'range', ARGV[19])
return {ticket_used and 2 or 1, claim}
