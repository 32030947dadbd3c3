#!lua flags=no-writes
-- Read the hosts of a team that rest, or rested lately.
--
-- Given `team`.
-- Returns the present (ms), then per host: its name, since when, until when, since when it answers again or 0, requests
-- since, status or 0, why.

local rows, all = { string.format('%.0f', moment()) }, call('HGETALL', P .. 'hosts:' .. given.team)
for i = 1, #all, 2 do
    local since, ends, back, requests, status, why = string.match(all[i + 1], '^(%d+) (%d+) (%d+) (%d+) (%d+) (%S+)$')
    if since then
        rows[#rows + 1] = { all[i], as_seen_now(since), as_seen_now(ends), as_seen_now(back), requests, status, why }
    end
end
return rows
