#!lua flags=allow-oom
-- A worker stops: claims of it that are still on their way take nothing.
--
-- KEYS  prefix    ARGV  consumer
-- Returns nothing.

local KEPT_MS = 60000 -- ms; then no claim is on its way any more
call('SET', P .. 'stopped:' .. ARGV[1], 1)
fade(P .. 'stopped:' .. ARGV[1], KEPT_MS)
