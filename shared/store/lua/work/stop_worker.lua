#!lua flags=allow-oom
-- A worker stops: claims of it that are still on their way take nothing.
--
-- Given the consumer.
-- Returns nothing.

local KEPT_MS = 60000 -- ms; then no claim is on its way any more
call('SET', P .. 'stopped:' .. given.consumer, 1)
fade(P .. 'stopped:' .. given.consumer, KEPT_MS)
