-- What a due fire of a cron leads to: a request, a wait for a ping, or a record that says why it was skipped.

local EARLY = 10000 -- ms before its time that a ping still counts for a fire: clocks differ

local PINGED = '{"executed_at":%.0f}'
local SILENT = '{"failure_reason":"no_ping","error_message":"No ping came within %.0f s."}'

-- Wait for a ping until the grace is over; one that has come already will do.
local function await_ping(team, cron, fire, grace, last_ping)
    local id = next_execution(team)
    local record = record_execution(team, cron, fire, id, 'pending', 'entry', '')
    local at = tonumber(fire.at)
    if last_ping >= at - EARLY then
        return settle('e', team, 'crons', id, { verdict = 'complete', run = string.format(PINGED, last_ping) })
    end
    local deadline = at + grace
    if deadline <= vouched() then deadline = vouched() + grace end -- that it could not be seen in time is our fault
    call('HSET', record, 'awaits', deadline)
    wait_until('e', team, id, deadline)
end

local LATENESS = { 100, 1000, 10000, 60000, 'more' } -- upper bounds in ms, by which runs are counted on their cron

local function note_lateness(fire, policy)
    local late, bucket = vouched() - fire.at, 1
    while bucket < #LATENESS and late > LATENESS[bucket] do bucket = bucket + 1 end
    policy.late[bucket] = (policy.late[bucket] or 0) + 1
end

-- By its cron's `policy` { overlap, most = runs, runs = so far, grace (ms) of one that waits for pings, last_ping,
-- late = runs by how late they were made }; returns 1 if it runs.
local function fire_cron(team, cron, fire, policy)
    local reason = fire.skip
    if reason == '' and policy.most and policy.runs >= policy.most then reason = 'limit' end
    if reason == '' and policy.overlap ~= '' and count_open(team, cron) > 0 then
        local queued = call('HGET', P .. 'c:' .. team .. ':' .. cron, 'queued')
        if policy.overlap == 'queue_one' and not queued then
            note_lateness(fire, policy)
            queue_execution(team, cron, fire)
            return 1
        end
        reason = 'overlap'
    end
    if reason ~= '' then
        skip_execution(team, cron, fire, reason)
        return 0
    end
    note_lateness(fire, policy)
    if policy.grace then
        await_ping(team, cron, fire, policy.grace, policy.last_ping)
    else
        make_execution(team, cron, fire)
    end
    return 1
end

-- No ping came in time; of a cron that was paused meanwhile none was wanted.
local function miss_ping(team, id)
    local record = record_of('e', team, id)
    local fields = call('HMGET', record, 'cron', 'due', 'awaits')
    if call('HGET', P .. 'c:' .. team .. ':' .. fields[1], 'is_active') ~= '1' then
        call('HSET', record, 'state', 'skipped', 'skip_reason', 'paused')
        return move('e', team, fields[1], id, 'pending', 'skipped')
    end
    local said = string.format(SILENT, (fields[3] - fields[2]) / 1000)
    settle('e', team, 'crons', id, { verdict = 'fail', run = said, reason = 'no_ping', facts = said })
end
