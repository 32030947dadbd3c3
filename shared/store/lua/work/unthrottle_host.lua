#!lua flags=allow-oom
-- A host is back before the end of the rest that it asked for.
--
-- Given `team`, `host`.
-- Returns nothing.

call('ZREM', P .. 'throttled:' .. given.team, given.host)
call('ZREM', P .. 'retry_after:' .. given.team, given.host)
