-- clear.lua: remove a closed quota and held claims, to make room for a loading; one call for so many
-- buckets, so that Valkey's other callers wait for little.
-- KEYS   1 quota (hash)   2 buckets (bitmap)   3… held, any number of buckets (hashes)
-- ARGV   1 the epoch that will be loaded   2 '1' when this call removes the last buckets
-- Return 1 removed, 0 refused: the quota still has an epoch, so claims may be taken from it.
-- Invariant: what claims are taken from is never removed; the stream is not touched at all. The bitmap
-- goes last, so a clearing that died is done again. The field `loading` says whose loading this is:
-- load.lua wants to find it.  Caller: storage/redis/rebuild.py
if redis.call('HEXISTS', KEYS[1], 'epoch') == 1 then return 0 end
redis.call('UNLINK', KEYS[1])
for i = 3, #KEYS do redis.call('UNLINK', KEYS[i]) end
if ARGV[2] == '1' then
  redis.call('UNLINK', KEYS[2])
  redis.call('HSET', KEYS[1], 'loading', ARGV[1])
end
return 1
