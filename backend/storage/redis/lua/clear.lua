-- clear.lua: remove a closed quota with its held claims and days, to make room for a loading.
-- KEYS   1 quota (hash)   2 held (hash)   3 days (hash)
-- ARGV   1 the epoch that will be loaded
-- Return 1 removed, 0 refused: the quota still has an epoch, so claims may be taken from it.
-- Invariant: what claims are taken from is never removed; the stream is not touched at all. The field
-- `loading` says whose loading this is: load.lua wants to find it.  Caller: storage/redis/rebuild.py
if redis.call('HEXISTS', KEYS[1], 'epoch') == 1 then return 0 end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'loading', ARGV[1])
return 1
