-- Work that was taken and not tried goes back, without using an attempt.

-- Not tried, for its host is given a rest; later again, without using an attempt:  processing -> pending.
-- `held_since` is since when waits are counted, for the worker to end them: for a host that is silent; 0 while a job
-- waits as long as its host asked for.
local function postpone(kind, team, queue, id, result)
    local record = record_of(kind, team, id)
    local fields = fields_of(record, 'cron', 'state', 'cancel', 'expires', 'held_since', 'replay')
    if fields.cancel then return settle(kind, team, queue, id, { verdict = 'fail', run = CANCELLED }) end
    if fields.expires then wait_until(EXPIRY, team, id, fields.expires) end
    call('HDEL', record, 'lane')
    if fields.replay and not fields.held_since then count_waiting(team, fields.replay, 1) end
    local since = tonumber(fields.held_since or '') or 0
    if since == 0 then since = moment() end
    call('HSET', record, 'state', 'pending', 'entry', '', 'waits_for', result.facts, 'held_since',
        result.reason == 'counted' and since or 0, 'postponed', moment())
    wait_until(kind, team, id, result.due)
    move(kind, team, fields.cron or queue, id, fields.state, 'pending')
end

-- Back to the head of its queue, or of its key, without using an attempt:  processing -> pending.
local function give_back(kind, team, queue, id)
    local record = record_of(kind, team, id)
    local fields = fields_of(record, 'cron', 'state', 'cancel', 'expires', 'key', 'due')
    if fields.cancel then return settle(kind, team, queue, id, { verdict = 'fail', run = CANCELLED }) end
    if fields.expires then wait_until(EXPIRY, team, id, fields.expires) end -- its moment may have passed while it ran
    if fields.key then
        call('HSET', record, 'state', 'pending')
        keyed.enter(team, queue, id, fields)
    else
        local entry = push(team .. ':' .. queue, kind .. ':' .. id, FRONT)
        call('HSET', record, 'state', 'pending', 'entry', entry, 'lane', FRONT)
    end
    move(kind, team, fields.cron or queue, id, fields.state, 'pending')
end
