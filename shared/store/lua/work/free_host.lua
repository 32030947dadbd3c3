#!lua flags=allow-oom
-- A host is back before the end of the rest that it asked for.
--
-- Given `team`, `host`.
-- Returns nothing.

call('ZREM', P .. 'held:' .. given.team, given.host)
call('ZREM', P .. 'busy:' .. given.team, given.host)
