#!lua flags=no-writes
-- Count what alerts tell of that is not over: crons that fail, and problems of queues.
--
-- Given `team`, now_ms.
-- Returns how many. It looks at the owners of the 100 open problems that were seen last, and of those at so many alerts as tell
-- what is the matter: the newest of a cron, which fails in one way at a time, and the 10 newest of a queue.

local PROBLEMS, OF_CRON, OF_QUEUE = 100, 1, 10
local team, found, owners, known = given.team, 0, {}, {}
moment(given.now_ms)

-- The problem, if it is open.
local function open_one(id)
    if known[id] == nil then
        local problem = problems.read(team, id)
        known[id] = problem and problems.state_of(problem) == 'open' and problem or false
    end
    return known[id]
end

local function count(owner)
    local most = string.sub(owner, 1, 1) == QUEUE and OF_QUEUE or OF_CRON
    local open, seen = 0, {}
    for _, id in ipairs(call('ZREVRANGE', P .. 'x:' .. team .. ':' .. owner .. ':alerts', 0, most - 1)) do
        local problem = call('HGET', alert_of(team, id), 'problem') or ''
        if problem ~= '' and not seen[problem] and open_one(problem) then open = open + 1 end
        seen[problem] = true
    end
    return open
end

-- One that is damaged is for the patrol to see to.
for _, state in ipairs({ 'open', 'ignored' }) do -- some were ignored until a moment that is past
    for _, id in ipairs(call('ZREVRANGE', P .. 'x:' .. team .. ':problems:' .. state, 0, PROBLEMS - 1)) do
        local is_read, problem = pcall(open_one, id)
        if is_read and problem then owners[problem.owner] = true end
    end
end
for owner in pairs(owners) do
    local is_read, open = pcall(count, owner)
    if is_read then found = found + open end
end
return found
