-- What waits in `due` for its moment: jobs, executions and notices to start (j, e, n), jobs to expire (x), queues
-- whose rate limit lets them start again (q).

local expire, promote

do
    local DOUBT = 1000 -- ms until a look whether the clock is trusted again
    local EXPIRED = '{"failure_reason":"expired","error_message":"It was still waiting when it expired; nothing was sent."}'

    -- A job that may no longer start:  pending -> failed.
    function expire(team, id)
        local fields = fields_of(record_of(JOB, team, id), 'state', 'queue', 'lane', 'entry')
        if fields.state ~= 'pending' then return end
        unqueue(JOB, team, fields.queue, id, fields.lane, fields.entry)
        settle(JOB, team, fields.queue, id, { verdict = 'fail', run = EXPIRED, reason = 'expired' })
    end

    local function start_due(kind, team, id)
        if kind == EXPIRY then return expire(team, id) end
        local record = record_of(kind, team, id)
        local fields = fields_of(record, 'queue', 'state', 'lane', 'awaits', 'key', 'due')
        if fields.state == 'pending' and fields.awaits then
            miss_ping(team, id)
        elseif fields.state == 'pending' and fields.key then
            keyed.enter(team, fields.queue, id, fields)
        elseif fields.state == 'pending' then
            local queue = team .. ':' .. (fields.queue or 'crons')
            call('HSET', record, 'entry', push(queue, kind .. ':' .. id, READY))
            if fields.lane then call('HDEL', record, 'lane') end
        end
    end

    -- The clock may jump: nothing is due beyond the moment that a scheduler vouches for.
    local function promote_due(now, limit)
        local first = call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')[2]
        if not first or tonumber(first) > now then return tonumber(first or 0) end
        if tonumber(first) > vouched() then return now + DOUBT end
        now = math.min(now, vouched())
        local due = call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, limit)
        for _, member in ipairs(due) do
            call('ZREM', P .. 'due', member)
            local kind, team, id = string.match(member, '^(%a):(%d+):0*(%d+)$')
            if kind == QUEUE then
                touched[team .. ':' .. id] = true
            elseif kind then
                confined(team, (kind == EXPIRY and JOB or kind) .. ':' .. id, start_due, kind, team, id)
            end
        end
        if #due == limit then return now end
        local next_due = call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
        return next_due[2] and tonumber(next_due[2]) or 0
    end

    -- Do what is due, oldest first. Returns the next due moment, or 0.
    function promote(now, limit)
        local done, next_due = confined('', '', promote_due, now, limit)
        return done and next_due or now + DOUBT
    end
end
