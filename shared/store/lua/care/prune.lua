#!lua flags=allow-oom
-- Remove what belonged to deleted queues and crons, a bounded step at a time.
--
-- Given `limit`.
-- Returns how many records went.

local MOST_PROBLEMS = 500 -- of an owner at once; a team has twice as many at most
local limit, removed = tonumber(given.limit), 0

-- Whether all alerts of `q<queue>` or `c<cron>` are gone.
local function prune_alerts(team, owner)
    local ids = call('ZRANGE', P .. 'x:' .. team .. ':' .. owner .. ':alerts', 0, limit - removed - 1)
    for _, id in ipairs(ids) do remove_alert(team, id) end
    removed = removed + #ids
    return removed < limit
end

-- They are no history, and do not count as such.
local function prune_problems(team, owner)
    local ids = call('ZRANGE', P .. 'x:' .. team .. ':' .. owner .. ':problems', 0, MOST_PROBLEMS - 1)
    for _, id in ipairs(ids) do problems.remove(team, id) end
    return #ids < MOST_PROBLEMS
end

local function prune_queue(team, queue)
    for _, state in ipairs(STATES.job) do
        local index = P .. 'x:' .. team .. ':q' .. queue .. ':' .. state
        for _, id in ipairs(call('ZRANGE', index, 0, limit - removed - 1)) do
            remove_job(team, id)
            removed = removed + 1
        end
        if removed >= limit then return false end
    end
    if not (prune_alerts(team, QUEUE .. queue) and prune_problems(team, QUEUE .. queue)) then return false end
    if load_of(team .. ':' .. queue) > 0 then return false end -- the last requests are still out
    call('SREM', P .. 'in_flight', team .. ':' .. queue)
    call('DEL', P .. FRONT .. team .. ':' .. queue, P .. READY .. team .. ':' .. queue,
        P .. 'starts:' .. team .. ':' .. queue, P .. 'sent:' .. team .. ':' .. queue, P .. 'watched:' .. team .. ':' .. queue)
    keyed.clear(team .. ':' .. queue)
    return true
end

local function prune_cron(team, cron)
    for _, state in ipairs(STATES.execution) do
        local index = P .. 'x:' .. team .. ':c' .. cron .. ':' .. state
        for _, id in ipairs(call('ZRANGE', index, 0, limit - removed - 1)) do
            remove_execution(team, cron, id, state)
            removed = removed + 1
        end
        if removed >= limit then return false end
    end
    for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':backfills', 0, -1)) do
        if call('HGET', P .. 'backfill:' .. team .. ':' .. id, 'cron') == cron then backfills.forget(team, id) end
    end
    call('DEL', P .. 'x:' .. team .. ':c' .. cron .. ':backfilled')
    return prune_alerts(team, CRON .. cron) and prune_problems(team, CRON .. cron)
end

for _, doomed in ipairs(call('SRANDMEMBER', P .. 'doomed', 16)) do
    local kind, team, id = string.match(doomed, '^(%a):(%d+):(%d+)$')
    local done, is_over = true, not kind
    if kind and removed < limit then
        local about = kind == QUEUE and team .. ':' .. id or 'c:' .. id
        done, is_over = confined(team, about, kind == QUEUE and prune_queue or prune_cron, team, id)
    end
    if not done or is_over then call('SREM', P .. 'doomed', doomed) end
end
conclude()
return removed
