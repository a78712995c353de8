-- buckets.lua: tell which buckets of held claims there are, from a stretch of their bitmap.
-- KEYS   1 buckets (bitmap)
-- ARGV   1 first byte   2 last byte
-- Return the numbers of the buckets, ascending. Reads only. Caller: storage/redis/rebuild.py
local first = tonumber(ARGV[1])
local bytes = redis.call('GETRANGE', KEYS[1], first, ARGV[2])
local numbers = {}
for i = 1, #bytes do
  local byte = string.byte(bytes, i)
  for bit = 0, 7 do  -- bit 0 of a bitmap is the highest of its byte
    local weight = 2 ^ (7 - bit)
    if byte >= weight then
      byte = byte - weight
      numbers[#numbers + 1] = (first + i - 1) * 8 + bit
    end
  end
end
return numbers
