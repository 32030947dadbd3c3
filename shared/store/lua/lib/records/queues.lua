-- Queues: made on first use, found by name, and made anew with the settings of a new one where their record is lost.

local queue_by_name, begin_queue, write_queue, mend_queue, tell_rules, rules_of

do
    local LOST = 'Its record was lost: these are the settings of a new queue. Set those that it had; any change takes this back.'

    local function names_of(team)
        return P .. 'names:' .. team
    end

    -- The id of the queue of that name. If all names were lost they are read from the queues.
    function queue_by_name(team, name)
        local known = call('HGET', names_of(team), name)
        if known or call('EXISTS', names_of(team)) == 1 then return known end
        for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':queues', 0, -1)) do
            local its = call('HGET', P .. 'q:' .. team .. ':' .. id, 'name')
            if its then call('HSETNX', names_of(team), its, id) end
            note_damage('names:' .. team, 'it was lost, and is read from the queues')
        end
        return call('HGET', names_of(team), name)
    end

    -- Who makes a job reads its queue, and not the team: of what is not kept of its requests each queue has a copy.
    function tell_rules(team, id)
        local record, rules = P .. 'q:' .. team .. ':' .. id, settings_of(team).redact
        if rules ~= '' then call('HSET', record, 'redact_of_team', rules) else call('HDEL', record, 'redact_of_team') end
    end

    -- What is not kept of requests of a queue: its rules and those of the team, in one text; and whether it is active.
    function rules_of(team, id, its)
        its = its or fields_of(P .. 'q:' .. team .. ':' .. id, 'redact', 'redact_of_team')
        local own, of_team = its.redact or '', its.redact_of_team or ''
        return own .. (own ~= '' and of_team ~= '' and '\n' or '') .. of_team
    end

    -- What each has, whoever makes it; its name and settings follow.
    function begin_queue(team, id)
        call('HSET', P .. 'q:' .. team .. ':' .. id, 'v', 1, 'version', 0, 'created', moment())
        call('ZADD', P .. 'x:' .. team .. ':queues', id, id)
        call('SADD', P .. 'teams', team)
        tell_rules(team, id)
    end

    -- A queue that nobody has set anything of: its record if it is new, or made anew.
    function write_queue(team, id, name, settings, ...)
        begin_queue(team, id)
        call('HSET', P .. 'q:' .. team .. ':' .. id, 'name', name, 'spec', settings, 'is_active', 1, 'max_parallelism', '',
            'version', 1, ...)
        call('HSET', names_of(team), name, id)
    end

    local function name_of(team, id)
        local step_at = '0'
        repeat
            local step = call('HSCAN', names_of(team), step_at, 'COUNT', 500)
            step_at = step[1]
            for i = 1, #step[2], 2 do
                if step[2][i + 1] == id then return step[2][i] end
            end
        until step_at == '0'
    end

    -- Whether its record was lost, or what of it nothing can do without. The name is the one that jobs are sent to.
    function mend_queue(team, id, settings, name)
        local fields = fields_of(P .. 'q:' .. team .. ':' .. id, 'name', 'version', 'spec', 'created', 'is_active')
        if fields.name and fields.version and fields.spec and fields.created and fields.is_active then
            if call('HSETNX', names_of(team), fields.name, id) == 0 then return false end
            note_damage('names:' .. team, 'it had lost ' .. fields.name)
            return true
        end
        write_queue(team, id, fields.name or name or name_of(team, id) or 'queue ' .. id, settings, 'lost', LOST)
        note_damage('q:' .. team .. ':' .. id, 'its record was lost, or a part of it; it has the settings of a new queue')
        keyed.look_anew(team .. ':' .. id)
        touched[team .. ':' .. id] = true
        return true
    end
end
