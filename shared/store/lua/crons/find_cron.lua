#!lua flags=no-writes
-- Find the cron of a caller's own key.
--
-- Given `team`, `key`.
-- Returns its id; nothing if there is none, or if it or all keys were lost.

local known = call('HGET', P .. 'cron_keys:' .. given.team, given.key)
if known and call('EXISTS', P .. 'c:' .. given.team .. ':' .. known) == 1 then return known end
