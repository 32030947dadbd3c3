#!lua flags=allow-oom
-- A host is back before the end of the rest that it asked for.
--
-- KEYS  prefix    ARGV  team, host
-- Returns nothing.

call('ZREM', P .. 'held:' .. ARGV[1], ARGV[2])
call('ZREM', P .. 'busy:' .. ARGV[1], ARGV[2])
