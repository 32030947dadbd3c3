#!lua flags=no-writes
-- Find those queues or crons of a team that have rows in some states: one that has none costs one look.
--
-- Given `team`, `kind` (q|c), `index` (of all, below x:<team>:), `after` (an id), `limit`; and states.
-- Returns the last id looked at (0 = all were), and the ids of those that have some.

local base, limit, states, found = P .. 'x:' .. given.team .. ':', tonumber(given.limit), given_list(), {}
local ids = call('ZRANGEBYSCORE', base .. given.index, '(' .. given.after, '+inf', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
    local indexes = {}
    for i, state in ipairs(states) do indexes[i] = base .. given.kind .. id .. ':' .. state end
    if call('EXISTS', unpack(indexes)) > 0 then found[#found + 1] = id end
end
return { #ids == limit and tonumber(ids[#ids]) or 0, found }
