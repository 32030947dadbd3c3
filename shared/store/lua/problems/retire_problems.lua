#!lua flags=allow-oom
-- Remove a team's problems that were not seen for too long and have no dead letters; and end those of queues of which nothing
-- came for as long as dead letters are kept, and none is left:  open -> resolved. A bounded step at a time.
--
-- Given `team`, `age_ms`, `dead_age_ms` (of dead letters, unless the queue says), `offset` (of each state's problems that were not
-- seen for a day, the oldest first), `limit` (of them to look at), now_ms.
-- Returns how many went, and 1 if there may be more beyond.

local LEAST = 86400000 -- ms; no queue keeps its dead letters for less
local now, team, removed, has_more = math.min(moment(given.now_ms), vouched()), given.team, 0, 0
local age, dead_age, limit = tonumber(given.age_ms), tonumber(given.dead_age_ms), tonumber(given.limit)

-- How long (ms) dead letters of the queue that it is of are kept; nothing of a cron, which ends its own.
local function kept_for(problem)
    local queue = string.match(problem.owner, '^' .. QUEUE .. '(%d+)$')
    local days = queue and tonumber(call('HGET', P .. 'q:' .. team .. ':' .. queue, 'dlq_days') or '')
    return queue and (days and days * 86400000 or dead_age)
end

local function is_over(problem)
    if problems.state_of(problem) ~= 'open' then return false end
    local kept = kept_for(problem)
    return kept and problem.last + kept < now
end

-- Whether it went.
local function retire(id)
    local dead = redis.pcall('ZCARD', P .. 'x:' .. team .. ':p' .. id .. ':dead') -- or it is damaged, until its lists are mended
    if type(dead) == 'number' and dead > 0 then return false end
    local problem = problems.read(team, id)
    if not problem or problem.last <= now - age then
        problems.remove(team, id)
        return true
    end
    if is_over(problem) then problems.set_state(problem, 'resolved') end
    return false
end

for _, state in ipairs(STATES.problem) do
    local old = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':problems:' .. state, '-inf', now - math.min(age, LEAST), 'LIMIT',
        given.offset, limit)
    if #old == limit then has_more = 1 end
    for _, id in ipairs(old) do
        local done, went = confined(team, 'problem:' .. team .. ':' .. id, retire, id)
        if done and went then removed = removed + 1 end
    end
end
return { removed, has_more }
