-- batch.lua: frame that runs claim.lua for many callers at once, one after the other; `one` is that
-- script's own text, so that a batch decides exactly as single calls do.
-- KEYS   1-3 as claim.lua wants them, of one campaign; then for each call its key 4
-- ARGV   1 number of arguments of each call, then the calls' arguments one after the other
-- Return the calls' answers one after the other, flat: {status, claim, status, claim, …}
-- `read` keeps what the script read of the quota, by tier, so that it is read once.
-- Invariant: as the script's. An error ends the batch; what was taken before stays taken, and the
-- same requests asked again tell. Caller: storage/redis/scripts.py
local width = tonumber(ARGV[1])
local keys = {KEYS[1], KEYS[2], KEYS[3], read = {}}
local answers = {}
for call = 1, #KEYS - 3 do
  keys[4] = KEYS[3 + call]
  local first = 2 + (call - 1) * width
  local answer = one(keys, {unpack(ARGV, first, first + width - 1)})
  answers[#answers + 1] = answer[1]
  answers[#answers + 1] = answer[2]
end
return answers
