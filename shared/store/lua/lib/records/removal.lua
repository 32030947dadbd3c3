-- What goes for good: jobs with their chains, and executions.

-- Take waiting work out of whatever would start it.
local function unqueue(kind, team, queue, id, lane, entry)
    call('ZREM', P .. 'due', due_member(kind, team, id))
    if lane == keyed.LANE then
        keyed.leave(team, queue, id, entry)
    elseif entry and entry ~= '' then
        if lane == FRONT and kind == JOB then keyed.free(team .. ':' .. queue, entry) end
        call('XDEL', P .. (lane or READY) .. team .. ':' .. queue, entry)
        touched[team .. ':' .. queue] = true
    end
end

local function forget_expiry(team, id)
    call('ZREM', P .. 'due', due_member(EXPIRY, team, id))
end

-- Remove one job: its record, run, index rows and whatever would still start it. The request in flight may end.
local function remove_job(team, id)
    local record = record_of(JOB, team, id)
    local fields = fields_of(record, 'queue', 'state', 'entry', 'lane', 'expires', 'replay', 'held_since', 'size', 'problem')
    if not fields.queue then return end
    if fields.state == 'pending' then unqueue(JOB, team, fields.queue, id, fields.lane, fields.entry) end
    if fields.expires then forget_expiry(team, id) end
    if fields.replay and fields.held_since then count_waiting(team, fields.replay, -1) end
    if fields.state == 'dead_lettered' then problems.dead(team, fields.problem, id, false) end
    move(JOB, team, fields.queue, id, fields.state, nil)
    tally(team, 'job.deleted', 1)
    local is_open = fields.state == 'pending' or fields.state == 'processing'
    if not is_open then tally(team, 'bytes', -(fields.size or 0)) end
    call('DEL', record, P .. 'r:' .. team .. ':j' .. id, P .. 'b:' .. team .. ':' .. id)
    event('job.deleted', team, 'j:' .. id)
end

-- A job goes with its whole chain: the original, its retries, and the one that still waits.
local function remove_chain(team, id)
    local fields = fields_of(record_of(JOB, team, id), 'queue', 'origin')
    if not fields.queue then return 0 end
    local first, removed = fields.origin or id, 1
    local retries = call('HGET', record_of(JOB, team, first), 'retries') or ''
    remove_job(team, first)
    for retry in string.gmatch(retries, '%d+') do
        remove_job(team, retry)
        removed = removed + 1
    end
    return removed
end

local function remove_execution(team, cron, id, state)
    move(EXECUTION, team, cron, id, state, nil)
    tally(team, 'execution.deleted', 1)
    local size, backfill = values_of(record_of(EXECUTION, team, id), 'size', 'backfill')
    tally(team, 'bytes', -(size or 0))
    if backfill then call('ZREM', P .. 'x:' .. team .. ':c' .. cron .. ':backfilled', id) end
    call('DEL', record_of(EXECUTION, team, id), P .. 'r:' .. team .. ':e' .. id)
end
