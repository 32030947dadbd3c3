-- Alerts of crons: the first failure warns; as many in a row as the threshold are a failure, and so is the one that pauses the
-- cron, whatever was told before, for nothing else would say why it is silent. The next success recovers.

local alert_cron

do
    local function fail(team, cron, fields, new, result)
        local incident = fields.alert and incidents.read(team, fields.alert)
        new.type, new.is_announced = 'failure', true
        if fields.alerted and incident then return incidents.go_on(team, cron, incident, new, result) end
        if not fields.alerted or fields.alert then incidents.join(team, cron, new, result) end
    end

    local function is_paused_by(fields, failures)
        local pause_after = fields.is_active == '1' and tonumber(fields.pause_after or '')
        return pause_after and failures >= pause_after
    end

    local function pause(team, cron, new, pause_after)
        pause_failing(team, cron, new.failures, pause_after)
        call('HSET', P .. 'c:' .. team .. ':' .. cron, 'alerted', 1)
        new.type, new.is_announced, new.has_paused = 'failure', true, true
        alert(team, new)
    end

    function alert_cron(team, cron, ref, result)
        local record = P .. 'c:' .. team .. ':' .. cron
        local fields = fields_of(record, 'failures', 'alert_threshold', 'alerted', 'failing_since', 'name', 'alert', 'pause_after',
            'is_active', 'labels', 'resumed')
        local failures, threshold = tonumber(fields.failures or 0), tonumber(fields.alert_threshold or '')
        local new = { kind = 'cron', of = cron, name = fields.name, ref = ref, reason = result.reason, facts = result.facts,
            problem = result.problem, since = fields.failing_since or moment(), labels = fields.labels }
        if result.verdict == 'complete' then
            if failures == 0 and not fields.resumed then return end
            call('HSET', record, 'failures', 0)
            call('HDEL', record, 'alerted', 'failing_since', 'alert', 'resumed')
            new.type, new.failures = 'recovery', failures
            local is_read, silence, problem = confined(team, 'c:' .. cron, problems.recover_cron, team, cron)
            new.problem = problem
            return incidents.recover(team, fields, new, is_read and silence)
        end
        new.failures = failures + 1
        call('HSET', record, 'failures', failures + 1)
        if failures == 0 then call('HSET', record, 'failing_since', moment()) end
        if is_paused_by(fields, failures + 1) then return pause(team, cron, new, fields.pause_after) end
        if result.is_ignored then return end
        if threshold and failures + 1 >= threshold then return fail(team, cron, fields, new, result) end
        if failures == 0 then
            new.type = 'warning'
            alert(team, new)
        end
    end
end
