#!lua flags=no-writes
-- Read the hosts of a team that rest, or rested lately.
--
-- Given `team`.
-- Returns the present (ms), how far it is ahead of the moment that is vouched for (ms), and the hosts as they are stored, each with its
-- name and a text: since when, until when, since when it answers again or 0, requests since, status or 0, why.

local now = moment()
return { string.format('%.0f', now), string.format('%.0f', now - vouched()), call('HGETALL', P .. 'hosts:' .. given.team) }
