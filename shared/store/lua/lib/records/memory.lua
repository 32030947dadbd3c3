-- What is left out while Redis is short of memory, as a scheduler notes it in `memory`: at first what was sent and
-- answered beyond a bound, then fires of crons too. What is under way ends all the same.

local memory = {}

do
    local NO_BODIES, NO_FIRES = 1, 2 -- 0 is room for all
    local SMALL = 4096 -- bytes of a run, or of a cron's last answer, that are kept in any case; longer runs end with what is big
    local QUIET_HOUR = 3600000 -- ms in which a team is told of it once
    local BIG = { ',"request_headers":', ',"response_headers":', ',"response_body":', ',"request_body":' }
    local shortage_noted

    at_begin(function() shortage_noted = nil end)

    -- How short it is, and since when; a note that nobody renews holds for seconds only.
    function memory.shortage()
        if not shortage_noted then
            local noted = fields_of(P .. 'memory', 'level', 'until', 'since')
            local holds_on = (tonumber(noted['until'] or '') or 0) > moment()
            shortage_noted = { level = holds_on and tonumber(noted.level or '') or 0,
                since = tonumber(noted.since or '') or 0 }
        end
        return shortage_noted
    end

    -- A run as it is kept. Before the first of its big fields there are only texts and numbers: in these a quotation mark
    -- is escaped, so that what is found is that field.
    function memory.kept_run(run)
        if #run <= SMALL or string.sub(run, 1, 1) ~= '{' or memory.shortage().level < NO_BODIES then return run end
        local first
        for _, name in ipairs(BIG) do
            local at = string.find(run, name, 1, true)
            if at and (not first or at < first) then first = at end
        end
        return first and string.sub(run, 1, first - 1) .. ',"response_truncated":true}' or run
    end

    function memory.kept_response(response)
        if #response > SMALL / 4 and memory.shortage().level >= NO_BODIES then return '' end
        return response
    end

    local function tell_of_shortage(team)
        local settings = P .. 't:' .. team
        local before = tonumber(call('HGET', settings, 'memory_told') or '') or 0
        if math.abs(vouched() - before) < QUIET_HOUR then return end -- also not of before the clock was set back
        call('HSET', settings, 'memory_told', vouched())
        alert(team, { type = 'storage_warning', kind = 'team', of = team, is_announced = true })
    end

    function memory.leaves_out_fires()
        return memory.shortage().level >= NO_FIRES
    end

    -- A fire that is not made for want of memory; those of a cron that follow each other are one record.
    function memory.skip(team, cron, fire)
        tell_of_shortage(team)
        local record = P .. 'c:' .. team .. ':' .. cron
        local last = call('HGET', record, 'memory_skip')
        local known = last and record_of(EXECUTION, team, last)
        local fields = known and fields_of(known, 'created', 'due', 'missed', 'first') or {}
        if fields.created and tonumber(fields.created) >= memory.shortage().since then
            call('HSET', known, 'due', fire.at_ms, 'missed', fields.missed + 1 + fire.missed, 'first', fields.first or fields.due)
            for _, of in ipairs({ '', ':skipped' }) do
                call('ZADD', P .. 'x:' .. team .. ':executions' .. of, 'XX', fire.at_ms, last)
            end
        else
            call('HSET', record, 'memory_skip', skip_execution(team, cron, fire, 'memory'))
        end
    end

    -- What a record that has ended takes, in bytes of its spec and of its run; its team's ledger counts them.
    function memory.take(team, spec_bytes, result)
        local size = tonumber(spec_bytes or 0) + #result.run
        tally(team, 'bytes', size)
        return size
    end
end
