-- What becomes of a job, execution or notice: it was tried, expired, cancelled, lost or given back.
--
-- A result is { verdict = complete | retry | dead | fail, run = JSON, due = a retry's moment (ms), response = a cron's,
-- reason = what a failure is alike in (`http_server_error 503`), facts = what an alert says of it (JSON) }.

local HAPPENED = { complete = 'job.completed', retry = 'job.retrying', dead = 'job.dead_lettered', fail = 'job.failed' }
local STATE = { complete = 'completed', retry = 'retrying', dead = 'dead_lettered', fail = 'failed' }

local CANCELLED = '{"failure_reason":"cancelled","error_message":"It was cancelled before it ended."}'

-- What became of a notice stands on what it tells of: `delivered`, `retrying` or `failed`.
local function settle_notice(team, id, result)
    local notice, tries_again = P .. 'n:' .. team .. ':' .. id, result.verdict == 'retry'
    local fields = fields_of(notice, 'subject', 'name')
    if string.sub(fields.subject, 1, 1) == 'a' then
        tries_again = settle_alert_notice(team, fields.subject, fields.name, result.verdict, result.facts)
    else
        local subject, outcomes = record_of_subject(team, fields.subject), { complete = 'delivered', retry = 'retrying' }
        local outcome, origin = outcomes[result.verdict] or 'failed', call('HGET', subject, 'origin')
        -- Whoever asks for the chain by its name is told too. Of a deleted queue either may be gone before the other.
        for _, record in ipairs({ subject, origin and record_of('j', team, origin) or nil }) do
            if call('EXISTS', record) == 1 then call('HSET', record, 'callback', outcome) end
        end
    end
    if tries_again then
        call('HINCRBY', notice, 'attempt', 1)
        call('HDEL', notice, 'held_since', 'waits_for')
        call('HSET', notice, 'state', 'pending', 'due', result.due, 'entry', '', 'postponed', moment())
        wait_until('n', team, id, result.due)
    else
        call('DEL', notice)
    end
end

-- The original carries the outcome of its chain.
local function resolve_chain(team, queue, origin, state, final)
    local record = record_of('j', team, origin)
    local was = call('HGET', record, 'state')
    if not was then return end
    move('j', team, queue, origin, was, state)
    call('HSET', record, 'state', state, 'final', final)
    call('HDEL', record, 'pending_retry')
    if state == 'dead_lettered' then call('HSET', record, 'dead_at', math.max(moment(), vouched())) end
end

local function make_retry(team, queue, origin, attempt, due)
    local retry = next_id(team, 'job')
    local record, first = record_of('j', team, retry), record_of('j', team, origin)
    local original = fields_of(first, 'retries', 'callback', 'expires', 'intent')
    call('HSET', record, 'v', 1, 'queue', queue, 'state', 'pending', 'attempt', attempt + 1, 'origin', origin,
        'due', due, 'created', moment())
    call('HSET', first, 'retries', (original.retries or '') .. retry .. ',', 'pending_retry', 1)
    move('j', team, queue, retry, nil, 'pending')
    tally(team, 'job.accepted', 1)
    if original.callback then call('HSET', record, 'callback', 'none') end
    if original.intent then call('HSET', record, 'intent', original.intent) end
    wait_until('j', team, retry, due)
    if original.expires then
        call('HSET', record, 'expires', original.expires)
        wait_until('x', team, retry, original.expires)
    end
end

local function settle_chain(team, queue, id, origin, attempt, result)
    local verdict = result.verdict
    if verdict == 'retry' then
        make_retry(team, queue, origin or id, tonumber(attempt), result.due)
    elseif origin and verdict == 'complete' then
        resolve_chain(team, queue, origin, 'failed', 'success')
    elseif origin and verdict == 'dead' then
        resolve_chain(team, queue, origin, 'dead_lettered', 'dead_lettered')
    elseif origin then
        resolve_chain(team, queue, origin, 'failed', 'failed_no_retries')
    end
end

local function settle_job(team, queue, id, result)
    local record, verdict = record_of('j', team, id), result.verdict
    local before, origin, attempt, callback, expires, replay, held_since, request_size = values_of(record, 'state', 'origin',
        'attempt', 'callback', 'expires', 'replay', 'held_since', 'size')
    local state, size = STATE[verdict], memory.take(team, request_size, result)
    if origin and verdict ~= 'complete' then state = 'failed' end
    move('j', team, queue, id, before, state)
    if state == 'failed' then
        call('HSET', record, 'state', state, 'size', size, 'final', origin and 'failed_with_retries' or 'failed_no_retries')
    elseif state == 'dead_lettered' then
        call('HSET', record, 'state', state, 'size', size, 'dead_at', math.max(moment(), vouched()))
    else
        call('HSET', record, 'state', state, 'size', size) -- which says its final status too
    end
    if expires then forget_expiry(team, id) end
    settle_chain(team, queue, id, origin, attempt, result)
    if replay and held_since then count_waiting(team, replay, -1) end
    -- What was cancelled has no reason, and says nothing of the target.
    if replay and (verdict == 'complete' or (result.reason or '') ~= '') then count_replayed(team, replay, verdict) end
    event(HAPPENED[verdict], team, 'j:' .. id)
    if verdict ~= 'retry' and callback then tell(team, 'outbox', 'j:' .. id, HAPPENED[verdict]) end
    alert_queue(team, queue, 'j:' .. (origin or id), tonumber(attempt), result)
end

-- What a cron says of the last time it failed (JSON); nothing once it went well.
local function failure_of(result)
    if result.verdict == 'complete' then return '' end
    return result.facts and result.facts ~= '' and result.facts or result.run
end

local function settle_execution(team, id, result)
    local record = record_of('e', team, id)
    local fields = fields_of(record, 'state', 'cron')
    local state = result.verdict == 'complete' and 'completed' or 'failed'
    move('e', team, fields.cron, id, fields.state, state)
    call('HSET', record, 'state', state, 'size', memory.take(team, nil, result))
    event('cron.' .. state, team, 'e:' .. id)
    local cron = P .. 'c:' .. team .. ':' .. fields.cron
    local callback = fields_of(cron, 'callback', 'version', 'queued')
    if not callback.version then return end -- deleted meanwhile
    call('HSET', cron, 'last_run', moment(), 'last_status', state, 'last_response', memory.kept_response(result.response or ''),
        'last_failure', failure_of(result))
    alert_cron(team, fields.cron, 'e:' .. id, result)
    if callback.queued then start_queued(team, fields.cron, callback.queued) end
    if callback.callback == '1' then tell(team, 'outbox', 'e:' .. fields.cron .. ':' .. id, 'cron.' .. state) end
end

-- Record what became of one piece of work.
local function settle(kind, team, queue, id, result)
    if kind == 'n' then return settle_notice(team, id, result) end
    result.run = memory.kept_run(result.run)
    call('SET', P .. 'r:' .. team .. ':' .. kind .. id, result.run)
    if kind == 'j' then return settle_job(team, queue, id, result) end
    settle_execution(team, id, result)
end

-- Not tried, for its host is given a rest; later again, without using an attempt:  processing -> pending.
-- `held_since` is since when waits are counted, for the worker to end them: for a host that is silent; 0 while a job
-- waits for what its host asked for.
local function postpone(kind, team, queue, id, result)
    local record = record_of(kind, team, id)
    local fields = fields_of(record, 'cron', 'state', 'cancel', 'expires', 'held_since', 'replay')
    if fields.cancel then return settle(kind, team, queue, id, { verdict = 'fail', run = CANCELLED }) end
    if fields.expires then wait_until('x', team, id, fields.expires) end
    call('HDEL', record, 'lane')
    if fields.replay and not fields.held_since then count_waiting(team, fields.replay, 1) end
    local since = tonumber(fields.held_since or '') or 0
    if since == 0 then since = moment() end
    call('HSET', record, 'state', 'pending', 'entry', '', 'waits_for', result.facts, 'held_since',
        result.reason == 'counted' and since or 0, 'postponed', moment())
    wait_until(kind, team, id, result.due)
    move(kind, team, fields.cron or queue, id, fields.state, 'pending')
end

-- Back to the head of its queue, without using an attempt:  processing -> pending.
local function give_back(kind, team, queue, id)
    local record = record_of(kind, team, id)
    local fields = fields_of(record, 'cron', 'state', 'cancel', 'expires')
    if fields.cancel then return settle(kind, team, queue, id, { verdict = 'fail', run = CANCELLED }) end
    if fields.expires then wait_until('x', team, id, fields.expires) end -- its moment may have passed while it ran
    local entry = push(team .. ':' .. queue, kind .. ':' .. id, FRONT)
    call('HSET', record, 'state', 'pending', 'entry', entry, 'lane', FRONT)
    move(kind, team, fields.cron or queue, id, fields.state, 'pending')
end
