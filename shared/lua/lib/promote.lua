-- What waits in `due` for its moment: jobs, executions and notices to start (j, e, n), jobs to expire (x), queues
-- whose rate limit lets them start again (q).

local EXPIRED = '{"failure_reason":"expired","error_message":"It was still waiting when it expired; nothing was sent."}'

-- A job that may no longer start:  pending -> failed.
local function expire(team, id)
    local fields = call('HMGET', record_of('j', team, id), 'state', 'queue', 'lane', 'entry')
    if fields[1] ~= 'pending' then return end
    unqueue('j', team, fields[2], id, fields[3], fields[4])
    settle('j', team, fields[2], id, { verdict = 'fail', run = EXPIRED })
end

-- Do what is due, oldest first. Returns the next due moment, or 0.
local function promote(now, limit)
    if call('EXISTS', P .. 'tilt') == 1 then return now + 1000 end -- the server's clock jumped: not now
    local due = call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, limit)
    for _, member in ipairs(due) do
        call('ZREM', P .. 'due', member)
        local kind, team, id = string.match(member, '^(%a):(%d+):0*(%d+)$')
        if kind == 'q' then
            touched[team .. ':' .. id] = true
        elseif kind == 'x' then
            expire(team, id)
        elseif kind then
            local record = record_of(kind, team, id)
            local fields = call('HMGET', record, 'queue', 'state')
            if fields[2] == 'pending' then
                local queue = team .. ':' .. (fields[1] or 'crons')
                call('HSET', record, 'entry', push(queue, kind .. ':' .. id, READY))
            end
        end
    end
    if #due == limit then return now end
    local next_due = call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
    return next_due[2] and tonumber(next_due[2]) or 0
end
