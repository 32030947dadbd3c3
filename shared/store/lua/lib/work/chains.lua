-- Chains: a job and its retries, each a job of its own, of which the original carries the outcome.

local settle_chain

do
    local function resolve_chain(team, queue, origin, state, final, problem)
        local record = record_of(JOB, team, origin)
        local was, before = values_of(record, 'state', 'problem')
        if not was then return end
        move(JOB, team, queue, origin, was, state)
        call('HSET', record, 'state', state, 'final', final)
        call('HDEL', record, 'pending_retry')
        if final == 'success' then problems.recover(team, before) end
        if problem then call('HSET', record, 'problem', problem) end
        if state ~= 'dead_lettered' then return end
        call('HSET', record, 'dead_at', math.max(moment(), vouched()))
        problems.dead(team, problem, origin, true)
    end

    local function make_retry(team, queue, origin, attempt, due)
        local retry = next_id(team, 'job')
        local record, first = record_of(JOB, team, retry), record_of(JOB, team, origin)
        local original = fields_of(first, 'retries', 'callback', 'expires', 'intent', 'key')
        call('HSET', record, 'v', 1, 'queue', queue, 'state', 'pending', 'attempt', attempt + 1, 'origin', origin,
            'due', due, 'created', moment())
        call('HSET', first, 'retries', (original.retries or '') .. retry .. ',', 'pending_retry', 1)
        move(JOB, team, queue, retry, nil, 'pending')
        tally(team, 'job.accepted', 1)
        if original.callback then call('HSET', record, 'callback', 'none') end
        if original.intent then call('HSET', record, 'intent', original.intent) end
        if original.key then call('HSET', record, 'key', original.key) end
        wait_until(JOB, team, retry, due)
        if original.expires then
            call('HSET', record, 'expires', original.expires)
            wait_until(EXPIRY, team, retry, original.expires)
        end
    end

    function settle_chain(team, queue, id, origin, attempt, result)
        local verdict = result.verdict
        if verdict == 'retry' then
            make_retry(team, queue, origin or id, tonumber(attempt), result.due)
        elseif origin and verdict == 'complete' then
            resolve_chain(team, queue, origin, 'failed', 'success')
        elseif origin and verdict == 'dead' then
            resolve_chain(team, queue, origin, 'dead_lettered', 'dead_lettered', result.problem)
        elseif origin then
            resolve_chain(team, queue, origin, 'failed', 'failed_no_retries', result.problem)
        end
    end
end
