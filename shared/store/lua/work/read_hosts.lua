#!lua flags=no-writes
-- Read the hosts of a team that rest, or rested lately.
--
-- Given `team`.
-- Returns the present (ms), how far it is ahead of the moment that is vouched for (ms), and the hosts as they are stored, each with its
-- name and a text (since when, until when, since when it answers again or 0, requests since, status or 0, why): as one text, with a
-- separator between any two.

local now, hosts = moment(), call('HGETALL', P .. 'hosts:' .. given.team)
return { string.format('%.0f', now), string.format('%.0f', now - vouched()), table.concat(hosts, '\31') }
