#!lua flags=allow-oom
-- Remove what a deleted team still has in the shard once its queues and crons are pruned, a bounded step at a time; its audit
-- trail stays.
--
-- Given `team`, `limit`.
-- Returns how many records went; -1 while requests of it are out; 0 once nothing is left.

local HIDDEN = { 'crons', 'outbox', 'alerts' }
local team, limit, removed = given.team, tonumber(given.limit), 0
local counts = P .. 'ids:' .. team

-- Notices have no index, but their ids are counted: from the last one down.
local function clear_notices()
    local last = tonumber(call('HGET', counts, 'notice')) or 0
    local first = math.max(1, last - limit + 1)
    for id = last, first, -1 do
        call('DEL', record_of(NOTICE, team, id))
        call('ZREM', P .. 'due', due_member(NOTICE, team, id))
    end
    if last > 0 then call('HSET', counts, 'notice', first - 1) end
    return last > 0 and last - first + 1 or 0
end

local function clear_alerts()
    for _, of in ipairs(ALERT_TYPES) do
        for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':alerts:' .. of, 0, limit - removed - 1)) do
            remove_alert(team, id)
            call('ZREM', P .. 'x:' .. team .. ':alerts:' .. of, id) -- also where its record is lost
            removed = removed + 1
        end
        if removed >= limit then return end
    end
end

local function clear_replays()
    local listed = P .. 'x:' .. team .. ':replays'
    for _, id in ipairs(call('ZRANGE', listed, 0, limit - removed - 1)) do
        call('DEL', P .. 'replay:' .. team .. ':' .. id, P .. 'replay_change:' .. team .. ':' .. id)
        call('UNLINK', P .. 'replay_ids:' .. team .. ':' .. id)
        call('ZREM', listed, id)
        call('SREM', P .. 'replays', team .. ':' .. id)
        removed = removed + 1
    end
end

local function clear_backfills()
    for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':backfills', 0, limit - removed - 1)) do
        backfills.forget(team, id)
        removed = removed + 1
    end
end

local function clear_bulks()
    for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':bulks', 0, limit - removed - 1)) do
        bulks.forget(team, id)
        removed = removed + 1
    end
end

-- Those that their queues and crons did not take along.
local function clear_problems()
    for _, state in ipairs(STATES.problem) do
        for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':problems:' .. state, 0, limit - removed - 1)) do
            problems.remove(team, id)
            removed = removed + 1
        end
        if removed >= limit then return end
    end
end

local function is_out()
    for _, queue in ipairs(HIDDEN) do
        if load_of(team .. ':' .. queue) > 0 then return true end
    end
    return false
end

-- Of all periods that can be stored, also the hours that a version before this one kept as long as days; what a wrong clock put
-- elsewhere is added up, and goes with the oldest.
local function clear_figures()
    local keys, names, longest = {}, {}, figures.PERIODS[#figures.PERIODS]
    for _, period in ipairs(figures.PERIODS) do
        local oldest = vouched() - 2 * (period[1] == 'h' and longest or period)[3]
        for at = oldest, vouched() + period[2], period[2] do
            local name = figures.period(team, period, at)
            keys[#keys + 1], names[#names + 1] = P .. 'figures:' .. name, name
        end
    end
    call_in_parts(keys, 'UNLINK')
    call_in_parts(names, 'ZREM', P .. 'figures_until')
end

local function clear_rest()
    for _, queue in ipairs(HIDDEN) do
        local lane = team .. ':' .. queue
        leave_turns(team, lane)
        call('SREM', P .. 'in_flight', lane)
        call('HDEL', P .. 'virtual_time', lane)
        call('DEL', P .. FRONT .. lane, P .. READY .. lane)
    end
    call('HDEL', P .. 'virtual_time', team, team .. ':_')
    local others = { 'names', 'cron_keys', 'ids', 'ledger', 't', 'throttled', 'retry_after', 'hosts', 'turns', 'problem_ids', 'planned' }
    for _, name in ipairs(others) do call('DEL', P .. name .. ':' .. team) end
    for _, of in ipairs({ '', ':failed', ':skipped', ':late' }) do call('DEL', P .. 'x:' .. team .. ':executions' .. of) end
    clear_figures()
    call('ZREM', P .. 'turns', team)
    call('SREM', P .. 'teams', team)
end

removed = clear_notices()
if removed < limit then clear_alerts() end
if removed < limit then clear_replays() end
if removed < limit then clear_backfills() end
if removed < limit then clear_bulks() end
if removed < limit then clear_problems() end
conclude()
if removed > 0 then return removed end
if is_out() then return -1 end
clear_rest()
return 0
