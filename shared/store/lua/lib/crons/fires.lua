-- What a due fire of a cron leads to: a request, a wait for a ping, or a record that says why it was skipped.

-- Of a cron, what decides about its fires and is changed by them.
local STANDS = { 'version', 'next', 'fired_until', 'overlap', 'max_runs', 'runs', 'grace', 'last_ping', 'backfill', 'late:100',
    'late:1000', 'late:10000', 'late:60000', 'late:more' }

local policy_of, next_fires, fire_all, note_fires, is_fresh

do
    local LATENESS = { 100, 1000, 10000, 60000, 'more' } -- upper bounds in ms, by which runs are counted on their cron

    local FIRE = { 'at_ms', 'missed', 'first_ms', 'skip_reason' } -- how many earlier it stands for, the first; '' = it runs
    local ASTRAY = 60000 -- ms ahead of now: so late a fire was made by a clock that was wrong, and forbids nothing

    local function note_lateness(team, fire, policy)
        local late, bucket = vouched() - fire.at_ms, 1
        figures.fired(team, late)
        while bucket < #LATENESS and late > LATENESS[bucket] do bucket = bucket + 1 end
        policy.late[bucket] = (policy.late[bucket] or 0) + 1
    end

    -- By its cron's `policy` { overlap, most = runs, runs = so far, grace (ms) of one that waits for pings, last_ping,
    -- backfill = one that runs, late = runs by how late they were made }; returns 1 if it runs.
    local function fire_cron(team, cron, fire, policy)
        local reason = fire.skip_reason
        if reason == '' and policy.most and policy.runs >= policy.most then reason = 'limit' end
        if reason == '' and policy.overlap ~= '' and count_open(team, cron) > 0 then
            local queued = call('HGET', P .. 'c:' .. team .. ':' .. cron, 'queued')
            if (policy.overlap == 'queue_one' or policy.backfill) and not queued then -- a backfill leaves none out
                note_lateness(team, fire, policy)
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
        note_lateness(team, fire, policy)
        if policy.grace then
            await_ping(team, cron, fire, policy.grace, policy.last_ping)
        else
            make_execution(team, cron, fire)
        end
        return 1
    end

    function policy_of(fields)
        local overlap = fields.overlap or ''
        return { overlap = overlap == 'allow' and '' or overlap, most = tonumber(fields.max_runs or ''),
            runs = tonumber(fields.runs) or 0, grace = tonumber(fields.grace or ''), last_ping = tonumber(fields.last_ping) or 0,
            backfill = fields.backfill, late = {} }
    end

    -- The next so many fires of the call, or all.
    function next_fires(count)
        local fires = {}
        while more_rows() and #fires < (count or math.huge) do fires[#fires + 1] = next_row(FIRE) end
        return fires
    end

    -- Make the fires; whether the cron has used up its runs then.
    function fire_all(team, cron, policy, fires)
        for _, fire in ipairs(fires) do
            policy.runs = policy.runs + fire_cron(team, cron, fire, policy)
        end
        return policy.most and policy.runs >= policy.most
    end

    -- What its cron carries from now on, beside the `fields` it had: up to when it has fired (ms, without its offset), how
    -- often it ran, how late that was, its next fire (ms, or nothing).
    function note_fires(record, fields, policy, fired_until, next_fire)
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
    function is_fresh(fire, fired_until)
        local last = tonumber(fired_until or '') or 0
        return fire > last or last > moment() + ASTRAY
    end
end
