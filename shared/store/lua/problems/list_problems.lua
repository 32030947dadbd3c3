#!lua flags=no-writes
-- List a part of the problems that are stored in one state, those that were seen last first.
--
-- Given `team`, `state`, `offset`, `count`, now_ms, `letters` (a pattern of Lua that what is looked for fits in lower case, or nothing).
-- Returns how many there were in that part, and per problem that can be read and may be looked for: id, when it was last seen (ms),
-- its owner, its reason and target, and its state now: what was ignored until a moment that is past is open.

local team, rows, first = given.team, {}, tonumber(given.offset)
moment(given.now_ms)
local listed = P .. 'x:' .. team .. ':problems:' .. given.state
local found = call('ZRANGE', listed, first, first + given.count - 1, 'REV', 'WITHSCORES')
for i = 1, #found, 2 do
    -- One that is damaged is for the patrol to see to.
    local owner, reason, target, state, ends = unpack(redis.pcall('HMGET', P .. 'problem:' .. team .. ':' .. found[i], 'owner', 'reason',
        'target', 'state', 'until'))
    if owner and reason and target and state then
        local text = reason .. ' ' .. target
        if looks.may_be(text, given.letters) then -- as in a name or URL, whatever stands between the letters
            local now = problems.state_of({ state = state, ends = tonumber(ends or '') })
            rows[#rows + 1] = { tonumber(found[i]), tonumber(found[i + 1]), owner, text, now }
        end
    end
end
return { #found / 2, rows }
