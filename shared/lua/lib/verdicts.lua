-- What becomes of a job or execution that was tried.

-- The original carries the outcome of its chain.
local function resolve_chain(team, queue, origin, state, final, now)
    local record = P .. 'j:' .. team .. ':' .. origin
    local was = call('HGET', record, 'state')
    if not was then return end
    move('j', team, queue, origin, was, state)
    call('HSET', record, 'state', state, 'final', final)
    call('HDEL', record, 'pending_retry')
    if state == 'dead_lettered' then call('HSET', record, 'dead_at', now) end
end

local function make_retry(team, queue, id, origin, attempt, now, due)
    local retry = call('HINCRBY', P .. 'ids:' .. team, 'job', 1)
    local first = P .. 'j:' .. team .. ':' .. origin
    call('HSET', P .. 'j:' .. team .. ':' .. retry, 'v', 1, 'queue', queue, 'state', 'pending',
        'attempt', attempt + 1, 'origin', origin, 'due', due, 'created', now)
    call('HSET', first, 'retries', (call('HGET', first, 'retries') or '') .. retry .. ',', 'pending_retry', 1)
    move('j', team, queue, retry, nil, 'pending')
    if call('HEXISTS', first, 'callback') == 1 then
        call('HSET', P .. 'j:' .. team .. ':' .. retry, 'callback', 'none')
    end
    tally(team, 'job.accepted', 1)
    wait_until('j', team, retry, due)
    return retry
end

-- verdict: complete | retry | dead | fail; `due` is the retry's moment.
local function settle_job(team, queue, id, verdict, now, due)
    local record = P .. 'j:' .. team .. ':' .. id
    local fields = call('HMGET', record, 'state', 'origin', 'attempt')
    local origin, state, final = fields[2], 'failed', nil
    if verdict == 'complete' then
        state, final = 'completed', 'success'
    elseif origin then
        final = 'failed_with_retries'
    elseif verdict == 'retry' then
        state, final = 'retrying', 'retrying'
    elseif verdict == 'dead' then
        state, final = 'dead_lettered', 'dead_lettered'
        call('HSET', record, 'dead_at', now)
    else
        final = 'failed_no_retries'
    end
    move('j', team, queue, id, fields[1], state)
    call('HSET', record, 'state', state, 'final', final, 'entry', '')
    if verdict == 'retry' then
        make_retry(team, queue, id, origin or id, tonumber(fields[3]), now, due)
    elseif origin and verdict == 'complete' then
        resolve_chain(team, queue, origin, 'failed', 'success', now)
    elseif origin and verdict == 'dead' then
        resolve_chain(team, queue, origin, 'dead_lettered', 'dead_lettered', now)
    elseif origin then
        resolve_chain(team, queue, origin, 'failed', 'failed_no_retries', now)
    end
    local what = { complete = 'job.completed', retry = 'job.retrying', dead = 'job.dead_lettered', fail = 'job.failed' }
    event(what[verdict], team, 'j:' .. id)
    if verdict ~= 'retry' and call('HEXISTS', record, 'callback') == 1 then tell(team, 'j:' .. id, what[verdict]) end
end

local function settle_execution(team, id, verdict, now, response)
    local record = P .. 'e:' .. team .. ':' .. id
    local fields = call('HMGET', record, 'state', 'cron')
    local state = verdict == 'complete' and 'completed' or 'failed'
    move('e', team, fields[2], id, fields[1], state)
    call('HSET', record, 'state', state, 'entry', '')
    local cron = P .. 'c:' .. team .. ':' .. fields[2]
    if call('EXISTS', cron) == 1 then
        call('HSET', cron, 'last_run', now, 'last_status', state, 'last_response', response)
        if state == 'completed' then
            call('HSET', cron, 'failures', 0)
        else
            call('HINCRBY', cron, 'failures', 1)
        end
    end
    event('cron.' .. state, team, 'e:' .. id)
    if call('HGET', cron, 'callback') == '1' then
        tell(team, 'e:' .. fields[2] .. ':' .. id, 'cron.' .. state)
    end
end

-- Back to the head of its queue, without using an attempt:  processing -> pending.
local function give_back(kind, team, queue, id)
    local record = P .. kind .. ':' .. team .. ':' .. id
    local entry = push(team .. ':' .. queue, kind .. ':' .. id, FRONT)
    call('HSET', record, 'state', 'pending', 'entry', entry, 'lane', FRONT)
    local owner = kind == 'e' and call('HGET', record, 'cron') or queue
    move(kind, team, owner, id, 'processing', 'pending')
end

-- Record what became of one piece of work; `run` is its run (JSON), `due` a retry's moment, `response` a cron's.
local function settle(kind, team, queue, id, verdict, now, run, due, response)
    if kind == 'n' then return settle_notice(team, id, verdict, due) end
    call('SET', P .. 'r:' .. team .. ':' .. kind .. id, run)
    if kind == 'j' then return settle_job(team, queue, id, verdict, now, due) end
    settle_execution(team, id, verdict, now, response)
end
