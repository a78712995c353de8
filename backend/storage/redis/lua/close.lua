-- close.lua: take a quota's epoch away, so that every claim is refused from here on.
-- KEYS   1 quota (hash)
-- ARGV   none
-- Return 1 closed, 0 it had none.
-- Invariant: nothing else is touched: the stream is still drained, and a clearing follows. A script,
-- so that replicas confirm it where they are waited for. Caller: storage/redis/rebuild.py
return redis.call('HDEL', KEYS[1], 'epoch')
