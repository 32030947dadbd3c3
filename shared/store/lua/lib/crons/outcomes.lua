-- What becomes of an execution, and what its cron says of that.

-- What a cron says of the last time it failed (JSON); nothing once it went well.
local function failure_of(result)
    if result.verdict == 'complete' then return '' end
    return result.facts and result.facts ~= '' and result.facts or result.run
end

local function settle_execution(team, id, result)
    local record = record_of(EXECUTION, team, id)
    local fields = fields_of(record, 'state', 'cron', 'created', 'due', 'backfill')
    local state = result.verdict == 'complete' and 'completed' or 'failed'
    if fields.state == 'processing' then figures.ended(team, 'crons', result.verdict, result.waited, result.took) end
    move(EXECUTION, team, fields.cron, id, fields.state, state)
    call('HSET', record, 'state', state, 'size', memory.take(team, nil, result))
    event('cron.' .. state, team, 'e:' .. id)
    local cron = P .. 'c:' .. team .. ':' .. fields.cron
    local callback = fields_of(cron, 'callback', 'version', 'queued', 'strip')
    if not callback.version then return end -- deleted meanwhile
    if state == 'failed' and not fields.backfill then -- problems of a cron end by its schedule, which this is not
        result.problem, result.is_ignored = problems.note(team, CRON .. fields.cron, 'e:' .. id, result)
    end
    if not fields.backfill then -- what it was then says nothing of how its schedule does now
        fields.state = state
        call('HSET', cron, 'last_run', moment(), 'last_status', state, 'last_response', memory.kept_response(result.response or ''),
            'last_failure', failure_of(result), 'strip',
            strips.with(callback.strip, strips.entry(id, fields, strips.took(result.run)), team .. ':' .. fields.cron))
        alert_cron(team, fields.cron, 'e:' .. id, result)
    end
    if callback.queued then start_queued(team, fields.cron, callback.queued) end
    if callback.callback == '1' then notify(team, 'outbox', 'e:' .. fields.cron .. ':' .. id, 'cron.' .. state) end
end
