#!lua flags=no-writes
-- List a part of the problems that are stored in one state, those that were seen last first; or of those of a queue or cron, the newest
-- first.
--
-- Given `team`, `state` or `owner`, `offset`, `count`, now_ms, `letters` (a pattern of Lua that what is looked for fits in lower case, or
-- nothing).
-- Returns how many there were in that part, and per problem that can be read and may be looked for: id, when it was last seen (ms),
-- its reason and target, and its state now: what was ignored until a moment that is past is open.

local team, rows, first = given.team, {}, tonumber(given.offset)
moment(given.now_ms)
local listed = given.owner and P .. 'x:' .. team .. ':' .. given.owner .. ':problems' or P .. 'x:' .. team .. ':problems:' .. given.state
local found = call('ZRANGE', listed, first, first + given.count - 1, 'REV')
for _, id in ipairs(found) do
    -- One that is damaged is for the patrol to see to.
    local owner, last, reason, target, state, ends = unpack(redis.pcall('HMGET', P .. 'problem:' .. team .. ':' .. id, 'owner', 'last',
        'reason', 'target', 'state', 'until'))
    if last and reason and target and state and owner == (given.owner or owner) then
        local text = reason .. ' ' .. target
        if looks.may_be(text, given.letters) then -- as in a name or URL, whatever stands between the letters
            local now = problems.state_of({ state = state, ends = tonumber(ends or '') })
            rows[#rows + 1] = { tonumber(id), tonumber(last) or 0, text, now }
        end
    end
end
return { #found, rows }
