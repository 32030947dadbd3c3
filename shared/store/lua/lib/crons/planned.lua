-- What decides the fires to come of a team's crons, in one hash: a list of them reads it in a quarter of the time that their records
-- take, which lie apart in memory. Each has a text and its next fire. The records decide: `patrol_crons.lua` mends what differs, as
-- after a version of Recuro before 2026-11-30, which has no such hash. One that is damaged keeps no cron from its fires.

local planned = {}

do
    local SEPARATOR, NEXT = '\31', ':next' -- between the parts of a text, and behind an id

    -- The next fire (ms), and how often a cron with `most` runs has run; both are nothing of one without a next fire.
    local function next_of(next_at, most, runs)
        if not next_at then return SEPARATOR end
        return next_at .. SEPARATOR .. ((most or '') ~= '' and runs or '')
    end

    -- What its record says: its text and its next fire; nothing of one without an expression.
    local function recorded(team, id)
        local name, expression, timezone, offset, timing, max_runs, next_at, runs = values_of(P .. 'c:' .. team .. ':' .. id, 'name',
            'expression', 'timezone', 'offset', 'timing', 'max_runs', 'next', 'runs')
        if not expression then return nil end
        local text = (name or '') .. SEPARATOR .. expression .. SEPARATOR .. (timezone or '') .. SEPARATOR .. (offset or '') .. SEPARATOR
            .. (timing or '') .. SEPARATOR .. (max_runs or '')
        return text, next_of(next_at, max_runs, runs)
    end

    -- A cron has another next fire (ms, or nothing), and `runs` of `most` (nothing: of any number).
    function planned.note_next(team, id, next_at, most, runs)
        redis.pcall('HSET', P .. 'planned:' .. team, id .. NEXT, next_of(next_at, most, runs))
    end

    -- Write what its record says, if that is something else.
    function planned.write(team, id)
        local text, next_fire = recorded(team, id)
        if not text then return planned.forget(team, id) end
        local known = redis.pcall('HMGET', P .. 'planned:' .. team, id, id .. NEXT)
        if known.err then redis.pcall('UNLINK', P .. 'planned:' .. team) end
        local known_text, known_next = unpack(known)
        if known_text ~= text or known_next ~= next_fire then redis.pcall('HSET', P .. 'planned:' .. team, id, text, id .. NEXT, next_fire) end
    end

    function planned.forget(team, id)
        redis.pcall('HDEL', P .. 'planned:' .. team, id, id .. NEXT)
    end

    -- A cron by its record: its name, expression, time zone, offset (s), time policy (JSON), most runs, next fire (ms), runs, if it has
    -- an end, and id, each or nothing, with a separator between them. Or nothing, of one without an expression.
    function planned.of_record(team, id)
        local text, next_fire = recorded(team, id)
        return text and text .. SEPARATOR .. next_fire .. SEPARATOR .. id
    end

    -- The same of crons in that order, by the hash as far as it has them.
    function planned.read(team, ids)
        local rows, fields = {}, {}
        for n, id in ipairs(ids) do fields[2 * n - 1], fields[2 * n] = id, id .. NEXT end
        local found = #ids > 0 and redis.pcall('HMGET', P .. 'planned:' .. team, unpack(fields)) or {}
        for n, id in ipairs(ids) do
            local text, next_fire = unpack(found, 2 * n - 1, 2 * n)
            if text and next_fire then
                rows[#rows + 1] = text .. SEPARATOR .. next_fire .. SEPARATOR .. id
            else
                local is_sound, row = pcall(planned.of_record, team, id)
                if is_sound then rows[#rows + 1] = row end -- one that is damaged is for the patrol to see to
            end
        end
        return rows
    end
end
