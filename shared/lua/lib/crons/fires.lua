-- What a due fire of a cron leads to: a request, a wait for a ping, or a record that says why it was skipped.

local EARLY = 10000 -- ms before its time that a ping still counts for a fire: clocks differ

local SILENT = '{"failure_reason":"no_ping","error_message":"No ping came within %.0f s."}'
local UNFINISHED = '{"failure_reason":"no_ping","error_message":"It started, and no ping came within %.0f s of that."}'

-- What was said with a ping, as a field of JSON: written, never read.
local function said_as(field, said)
    return '"' .. field .. '":' .. cjson.encode(said)
end

-- The run (JSON) of a ping that came at a moment (ms), of work that started (ms or nothing), with what was said of it
-- and why it failed (JSON, or nothing).
local function pinged_run(at, started, said, failure)
    local run = string.format('{"executed_at":%.0f', at)
    if started then run = run .. string.format(',"started_at":%.0f,"duration_ms":%.0f', started, at - started) end
    if said ~= '' then run = run .. ',' .. said_as('response_body', said) end
    return run .. (failure and ',' .. string.sub(failure, 2) or '}')
end

-- Wait for a ping until the grace is over; one that has come already will do.
local function await_ping(team, cron, fire, grace, last_ping)
    local id = next_execution(team)
    local record = record_execution(team, cron, fire, id, 'pending', 'entry', '')
    local at, of_cron = tonumber(fire.at_ms), P .. 'c:' .. team .. ':' .. cron
    local kept = last_ping > 0 and fields_of(of_cron, 'pinged_for', 'logged') or {}
    if last_ping >= at - EARLY or tonumber(kept.pinged_for or '') == at then
        call('HDEL', of_cron, 'pinged_for', 'logged')
        local said = kept.logged or ''
        return settle('e', team, 'crons', id,
            { verdict = 'complete', run = pinged_run(last_ping, nil, said), response = said })
    end
    local deadline = at + grace
    if deadline <= vouched() then deadline = vouched() + grace end -- that it could not be seen in time is our fault
    call('HSET', record, 'awaits', deadline)
    wait_until('e', team, id, deadline)
end

local LATENESS = { 100, 1000, 10000, 60000, 'more' } -- upper bounds in ms, by which runs are counted on their cron

-- Of a cron, what decides about its fires and is changed by them.
local STANDS = { 'version', 'next', 'fired_until', 'overlap', 'max_runs', 'runs', 'grace', 'last_ping', 'late:100', 'late:1000',
    'late:10000', 'late:60000', 'late:more' }
local FIRE = { 'at_ms', 'missed', 'first_ms', 'skip_reason' } -- how many earlier it stands for, the first; '' = it runs
local ASTRAY = 60000 -- ms ahead of now: so late a fire was made by a clock that was wrong, and forbids nothing

local function note_lateness(fire, policy)
    local late, bucket = vouched() - fire.at_ms, 1
    while bucket < #LATENESS and late > LATENESS[bucket] do bucket = bucket + 1 end
    policy.late[bucket] = (policy.late[bucket] or 0) + 1
end

-- By its cron's `policy` { overlap, most = runs, runs = so far, grace (ms) of one that waits for pings, last_ping,
-- late = runs by how late they were made }; returns 1 if it runs.
local function fire_cron(team, cron, fire, policy)
    local reason = fire.skip_reason
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
    if not policy.grace and memory.leaves_out_fires() then
        memory.skip(team, cron, fire)
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

local function policy_of(fields)
    local overlap = fields.overlap or ''
    return { overlap = overlap == 'allow' and '' or overlap, most = tonumber(fields.max_runs or ''),
        runs = tonumber(fields.runs) or 0, grace = tonumber(fields.grace or ''), last_ping = tonumber(fields.last_ping) or 0,
        late = {} }
end

-- The next so many fires of the call, or all.
local function next_fires(count)
    local fires = {}
    while more_rows() and #fires < (count or math.huge) do fires[#fires + 1] = next_row(FIRE) end
    return fires
end

-- Make the fires; whether the cron has used up its runs then.
local function fire_all(team, cron, policy, fires)
    for _, fire in ipairs(fires) do
        policy.runs = policy.runs + fire_cron(team, cron, fire, policy)
    end
    return policy.most and policy.runs >= policy.most
end

-- What its cron carries from now on, beside the `fields` it had: up to when it has fired (ms, without its offset), how
-- often it ran, how late that was, its next fire (ms, or nothing).
local function note_fires(record, fields, policy, fired_until, next_fire)
    local noted = { 'fired_until', fired_until, 'runs', policy.runs }
    for bucket, count in pairs(policy.late) do
        local field = 'late:' .. LATENESS[bucket]
        noted[#noted + 1] = field
        noted[#noted + 1] = tonumber(fields[field] or 0) + count
    end
    if next_fire then
        noted[#noted + 1] = 'next'
        noted[#noted + 1] = next_fire
    end
    call('HSET', record, unpack(noted))
end

-- Whether a fire (ms, without its offset) comes after all that its cron has fired.
local function is_fresh(fire, fired_until)
    local last = tonumber(fired_until or '') or 0
    return fire > last or last > moment() + ASTRAY
end

-- No ping came in time; of a cron that was paused meanwhile none was wanted.
local function miss_ping(team, id)
    local record = record_of('e', team, id)
    local fields = fields_of(record, 'cron', 'due', 'awaits', 'started')
    local of_cron = P .. 'c:' .. team .. ':' .. fields.cron
    if call('HGET', of_cron, 'is_active') ~= '1' then
        call('HSET', record, 'state', 'skipped', 'skip_reason', 'paused')
        return move('e', team, fields.cron, id, 'pending', 'skipped')
    end
    local last_ping = tonumber(call('HGET', of_cron, 'last_ping') or 0)
    if last_ping >= fields.due - EARLY then -- one ping ends all that wait, in steps: this one was left
        return settle('e', team, 'crons', id, { verdict = 'complete', run = pinged_run(last_ping, nil, '') })
    end
    local why = fields.started and string.format(UNFINISHED, (fields.awaits - fields.started) / 1000) or
        string.format(SILENT, (fields.awaits - fields.due) / 1000)
    local said = call('HGET', of_cron, 'logged') or ''
    call('HDEL', of_cron, 'ping_started', 'logged')
    local run = said == '' and why or '{' .. said_as('response_body', said) .. ',' .. string.sub(why, 2)
    settle('e', team, 'crons', id, { verdict = 'fail', run = run, reason = 'no_ping', facts = why, response = said })
end
