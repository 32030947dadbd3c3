-- Executions: one record a fire of a cron. It runs from the team's hidden cron queue, or was skipped and says why.

-- `fire` is { at_ms, missed = how many earlier ones it stands for, first_ms = the earliest of them };
-- `entry` is the one in the stream, or ''.
local function record_execution(team, cron, fire, id, state, entry)
    local record = record_of(EXECUTION, team, id)
    call('HSET', record, 'v', '1', 'cron', cron, 'state', state, 'due', fire.at_ms, 'created', moment(), 'missed',
        fire.missed, 'intent', new_intent(), 'entry', entry)
    if tonumber(fire.missed) > 0 then call('HSET', record, 'first', fire.first_ms) end
    move(EXECUTION, team, cron, id, nil, state)
    tally(team, 'execution.accepted', 1)
    event(state == 'skipped' and 'cron.skipped' or 'cron.fired', team, 'e:' .. id)
    return record
end

local reserve_executions, next_execution

do
    local reserved

    at_begin(function() reserved = {} end)

    -- Ids for so many executions that the script is about to make.
    function reserve_executions(team, count)
        reserved[team] = { last = next_id(team, 'execution', count), left = count }
    end

    function next_execution(team)
        local ids = reserved[team]
        if not ids or ids.left == 0 then
            reserve_executions(team, 1)
            ids = reserved[team]
        end
        ids.left = ids.left - 1
        return tostring(ids.last - ids.left)
    end
end

local function make_execution(team, cron, fire)
    local id = next_execution(team)
    record_execution(team, cron, fire, id, 'pending', push(team .. ':crons', 'e:' .. id, READY))
    return id
end

local function skip_execution(team, cron, fire, reason)
    local id = next_execution(team)
    call('HSET', record_execution(team, cron, fire, id, 'skipped', ''), 'skip_reason', reason)
    strips.skip(team, cron, id, reason)
    return id
end

local function count_open(team, cron)
    write_moves()
    local index = P .. 'x:' .. team .. ':c' .. cron .. ':'
    return call('ZCARD', index .. 'pending') + call('ZCARD', index .. 'processing')
end

-- One that waits until nothing else of its cron is open.
local function queue_execution(team, cron, fire)
    local id = next_execution(team)
    call('HSET', record_execution(team, cron, fire, id, 'pending', ''), 'waits_for', 'the execution before it')
    call('HSET', P .. 'c:' .. team .. ':' .. cron, 'queued', id)
end

-- Start the one that waits for the others of its cron, if they have ended.
local function start_queued(team, cron, id)
    if count_open(team, cron) > 1 then return end
    local record = record_of(EXECUTION, team, id)
    call('HDEL', P .. 'c:' .. team .. ':' .. cron, 'queued')
    if call('HGET', record, 'state') ~= 'pending' then return end
    call('HDEL', record, 'waits_for')
    call('HSET', record, 'entry', push(team .. ':crons', 'e:' .. id, READY))
end
