-- What becomes of a job, execution or notice: it was tried, expired, cancelled, lost or given back.
--
-- A result is { verdict = complete | retry | dead | fail, run = JSON, due = a retry's moment (ms), response = a cron's,
-- reason = what a failure is alike in (`http_server_error 503`), facts = what an alert says of it (JSON), waited and took =
-- for how long it did (ms), where a request was made, target = what failed, as problems have it, or what went well in a queue that has some }.

local CANCELLED = '{"failure_reason":"cancelled","error_message":"It was cancelled before it ended."}'

local settle

do
    local HAPPENED = { complete = 'job.completed', retry = 'job.retrying', dead = 'job.dead_lettered', fail = 'job.failed' }
    local STATE = { complete = 'completed', retry = 'retrying', dead = 'dead_lettered', fail = 'failed' }

    local function settle_job(team, queue, id, result)
        local record, verdict = record_of(JOB, team, id), result.verdict
        local before, origin, attempt, callback, expires, replay, held_since, request_size = values_of(record, 'state', 'origin',
            'attempt', 'callback', 'expires', 'replay', 'held_since', 'size')
        if not before and call('EXISTS', record) == 0 then return false end
        call('SET', P .. 'r:' .. team .. ':' .. JOB .. id, result.run)
        local state, size = STATE[verdict], memory.take(team, request_size, result)
        if origin and verdict ~= 'complete' then state = 'failed' end
        if verdict ~= 'complete' then
            result.problem, result.is_ignored = problems.note(team, QUEUE .. queue, 'j:' .. (origin or id), result)
        end
        if before == 'processing' then figures.ended(team, queue, verdict, result.waited, result.took) end
        move(JOB, team, queue, id, before, state)
        if state == 'failed' then
            call('HSET', record, 'state', state, 'size', size, 'final', origin and 'failed_with_retries' or 'failed_no_retries', 'problem',
                result.problem or '')
        elseif state == 'dead_lettered' then
            call('HSET', record, 'state', state, 'size', size, 'dead_at', math.max(moment(), vouched()), 'problem', result.problem or '')
            problems.dead(team, result.problem, id, true)
        elseif result.problem then
            call('HSET', record, 'state', state, 'size', size, 'problem', result.problem)
        else
            call('HSET', record, 'state', state, 'size', size) -- which says its final status too
        end
        if expires then forget_expiry(team, id) end
        if verdict == 'complete' and (result.target or '') ~= '' then problems.go_well(team, queue, result.target) end
        settle_chain(team, queue, id, origin, attempt, result)
        if replay and held_since then count_waiting(team, replay, -1) end
        -- What was cancelled has no reason, and says nothing of the target.
        if replay and (verdict == 'complete' or (result.reason or '') ~= '') then count_replayed(team, replay, verdict) end
        event(HAPPENED[verdict], team, 'j:' .. id)
        if verdict ~= 'retry' and callback then notify(team, 'outbox', 'j:' .. id, HAPPENED[verdict]) end
        alert_queue(team, queue, 'j:' .. (origin or id), tonumber(attempt), result)
        return true
    end

    -- Record what became of one piece of work; false if it is a job that is not there.
    function settle(kind, team, queue, id, result)
        if kind == NOTICE then
            settle_notice(team, id, result)
            return true
        end
        result.run = memory.kept_run(result.run)
        if kind == JOB then return settle_job(team, queue, id, result) end
        call('SET', P .. 'r:' .. team .. ':' .. kind .. id, result.run)
        settle_execution(team, id, result)
        return true
    end
end
