-- Crons that fail alike (reason, status, host and path) are one incident, which is the alert of the first: its message is sent, the
-- others are counted there, and told of in another message once it is quiet no more. The first of them that works again ends
-- it. Whoever fails still after that begins another. One that somebody wants to hear no more of names the problem of which they
-- said so: it is hushed as long as that is ignored.

local incidents = {}

do
    -- The incident that an alert began, unless it is over or gone.
    function incidents.read(team, id)
        local fields = fields_of(alert_of(team, id), 'affected', 'told', 'quiet', 'over', 'hushed')
        if not fields.told or fields.over then return nil end
        return { id = id, affected = tonumber(fields.affected), told = tonumber(fields.told), quiet = tonumber(fields.quiet),
            hushed = fields.hushed }
    end

    -- How somebody wants to hear no more of it, as `problems.silence`.
    local function silence_of(team, incident)
        if not incident or not incident.hushed then return nil end
        local is_read, problem = confined(team, 'problem:' .. team .. ':' .. incident.hushed, problems.read, team, incident.hushed)
        return is_read and problem and problems.silence(problem) or nil
    end

    local function is_quiet(incident)
        return vouched() < incident.quiet and incident.quiet <= vouched() + QUIET + AHEAD -- or it is from before the clock was set back
    end

    -- Whether a message is due of one that goes on: others have joined and it is quiet no more, or a silence has ended.
    local function is_due(team, incident)
        if not incident.hushed then return incident.affected > incident.told and not is_quiet(incident) end
        if silence_of(team, incident) then return false end
        call('HDEL', alert_of(team, incident.id), 'hushed')
        return true
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
    function incidents.join(team, cron, new, result)
        local group = group_of(team, cron, result)
        local known = call('HGET', group, 'alert')
        local incident = known and incidents.read(team, known)
        new.affected = 1
        if incident then
            incident.affected = call('HINCRBY', alert_of(team, incident.id), 'affected', 1)
            new.is_announced = is_due(team, incident)
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

    -- A cron fails on: those that joined its incident meanwhile are told of. While that is hushed it is found by all that join.
    function incidents.go_on(team, cron, incident, new, result)
        if incident.hushed then fade(group_of(team, cron, result), GROUP_KEPT) end
        if not is_due(team, incident) then return end
        new.affected = incident.affected
        alert(team, new)
        note_told(team, incident)
    end

    -- Of what is ignored until a moment nobody is told, but others of its incident still tell that they work again. What was until
    -- it recovered tells that it did.
    function incidents.recover(team, fields, new, silence)
        local incident = fields.alert and incidents.read(team, fields.alert)
        if not fields.alerted then return end
        silence = silence or silence_of(team, incident)
        new.was_quiet, new.affected = silence == 'recovers', incident and incident.affected or 1
        new.is_announced = silence ~= 'until' and (not fields.alert or incident ~= nil)
        if incident and (new.is_announced or incident.affected == 1 and not incident.hushed) then
            call('HSET', alert_of(team, incident.id), 'over', vouched())
        end
        alert(team, new)
    end

    -- Somebody wants to hear no more of a problem of a cron: nor of the incident that is of the same.
    function incidents.hush(team, cron, problem)
        local alike, own = call('HGET', group_of(team, cron, problem), 'alert'), call('HGET', P .. 'c:' .. team .. ':' .. cron, 'alert')
        for _, id in ipairs({ alike, own }) do
            local first = id and incidents.read(team, id) and problems.read(team, call('HGET', alert_of(team, id), 'problem') or '')
            local is_same = first and first.reason == problem.reason and first.target == problem.target
            if is_same then call('HSET', alert_of(team, id), 'hushed', problem.id) end
        end
    end
end
