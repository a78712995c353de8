-- batch.lua: frame that runs another script of this folder for many callers at once, one after the
-- other; `one` is that script's own text, so that a batch decides exactly as single calls do.
-- KEYS   as the script wants them: all of one campaign
-- ARGV   1 number of arguments of each call, then the calls' arguments one after the other
-- Return the calls' answers one after the other, flat: {status, claim, status, claim, …}
-- Invariant: as the script's. An error ends the batch; what was taken before stays taken, and the
-- same requests asked again tell. Caller: storage/redis/scripts.py
local width = tonumber(ARGV[1])
local answers = {}
for first = 2, #ARGV, width do
  local answer = one(KEYS, {unpack(ARGV, first, first + width - 1)})
  answers[#answers + 1] = answer[1]
  answers[#answers + 1] = answer[2]
end
return answers
