#!lua flags=no-writes
-- List a part of the problems that are stored in one state, those that were seen last first.
--
-- Given `team`, `state`, `offset`, `count`, now_ms.
-- Returns how many there were in that part, and per problem that can be read: id, when it was last seen (ms), its owner, its
-- reason and target, and its state now: what was ignored until a moment that is past is open.

local team, rows, first = given.team, {}, tonumber(given.offset)
moment(given.now_ms)
local listed = P .. 'x:' .. team .. ':problems:' .. given.state
local found = call('ZRANGE', listed, first, first + given.count - 1, 'REV', 'WITHSCORES')
for i = 1, #found, 2 do
    local is_read, problem = pcall(problems.read, team, found[i])
    if is_read and problem then
        local text = problem.reason .. ' ' .. problem.target
        rows[#rows + 1] = { tonumber(found[i]), tonumber(found[i + 1]), problem.owner, text, problems.state_of(problem) }
    end
end
return { #found / 2, rows }
