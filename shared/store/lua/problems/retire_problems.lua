#!lua flags=allow-oom
-- Remove a team's problems that were not seen for too long and have no dead letters, a bounded step at a time.
--
-- Given `team`, `age_ms`, `limit` (of them to look at), now_ms.
-- Returns how many went.

local now, team, removed = math.min(moment(given.now_ms), vouched()), given.team, 0
for _, state in ipairs(STATES.problem) do
    local over = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':problems:' .. state, '-inf', now - given.age_ms, 'LIMIT', 0,
        tonumber(given.limit))
    for _, id in ipairs(over) do
        local row = problems.row(team, id)
        if not row or row[4] == 0 then
            problems.remove(team, id)
            removed = removed + 1
        end
    end
end
return removed
