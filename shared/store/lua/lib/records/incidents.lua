-- Alerts of crons: the first failure warns; as many in a row as the threshold are a failure, and so is the one that pauses the
-- cron, whatever was told before, for nothing else would say why it is silent. The next success recovers.
--
-- Crons that fail alike (reason, status, host and path) are one incident, which is the alert of the first: its message is sent, the
-- others are counted there, and told of in another message once it is quiet no more. The first of them that works again ends
-- it. Whoever fails still after that begins another.

local alert_cron

do
    -- The incident that an alert began, unless it is over or gone.
    local function read(team, id)
        local fields = fields_of(alert_of(team, id), 'affected', 'told', 'quiet', 'over')
        if not fields.told or fields.over then return nil end
        return { id = id, affected = tonumber(fields.affected), told = tonumber(fields.told), quiet = tonumber(fields.quiet) }
    end

    local function is_quiet(incident)
        return vouched() < incident.quiet and incident.quiet <= vouched() + QUIET + AHEAD -- or it is from before the clock was set back
    end

    local function note_told(team, incident)
        call('HSET', alert_of(team, incident.id), 'told', incident.affected, 'quiet', vouched() + QUIET)
    end

    -- What was never sent anywhere fails for each cron by itself.
    local function group_of(team, cron, result)
        local target = result.target or ''
        return P .. 'g:' .. team .. ':crons:failure:' .. (result.reason or '') .. '|' .. (target == '' and cron or target)
    end

    -- The cron is one more of the incident that its like have begun, or begins one.
    local function join(team, cron, new, result)
        local group = group_of(team, cron, result)
        local known = call('HGET', group, 'alert')
        local incident = known and read(team, known)
        new.affected = 1
        if incident then
            incident.affected = call('HINCRBY', alert_of(team, incident.id), 'affected', 1)
            new.is_announced = not is_quiet(incident)
            if new.is_announced then new.affected = incident.affected end
            alert(team, new)
        else
            incident = { affected = 1 }
            incident.id = alert(team, new)
            call('HSET', group, 'alert', incident.id)
        end
        fade(group, GROUP_KEPT)
        if new.is_announced then note_told(team, incident) end
        call('HSET', P .. 'c:' .. team .. ':' .. cron, 'alerted', 1, 'alert', incident.id)
    end

    -- A cron fails on: those that joined its incident meanwhile are told of.
    local function go_on(team, incident, new)
        if incident.affected == incident.told or is_quiet(incident) then return end
        new.affected = incident.affected
        alert(team, new)
        note_told(team, incident)
    end

    local function recover(team, fields, new, was_ignored)
        local incident = fields.alert and read(team, fields.alert)
        if not fields.alerted then return end
        -- Of an ignored problem nobody is told; others of its incident still tell that they work again.
        new.is_announced = not was_ignored and (not fields.alert or incident ~= nil)
        new.affected = incident and incident.affected or 1
        if incident and (new.is_announced or incident.affected == 1) then
            call('HSET', alert_of(team, incident.id), 'over', vouched())
        end
        alert(team, new)
    end

    local function fail(team, cron, fields, new, result)
        local incident = fields.alert and read(team, fields.alert)
        new.type, new.is_announced = 'failure', true
        if fields.alerted and incident then return go_on(team, incident, new) end
        if not fields.alerted or fields.alert then join(team, cron, new, result) end
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
            'is_active', 'labels')
        local failures, threshold = tonumber(fields.failures or 0), tonumber(fields.alert_threshold or '')
        local new = { kind = 'cron', of = cron, name = fields.name, ref = ref, reason = result.reason, facts = result.facts,
            problem = result.problem, since = fields.failing_since or moment(), labels = fields.labels }
        if result.verdict == 'complete' then
            if failures == 0 then return end
            call('HSET', record, 'failures', 0)
            call('HDEL', record, 'alerted', 'failing_since', 'alert')
            new.type, new.failures = 'recovery', failures
            local is_read, was_ignored, problem = confined(team, 'c:' .. cron, problems.recover_cron, team, cron)
            new.problem = problem
            return recover(team, fields, new, is_read and was_ignored)
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
