-- Keys are served in line, one job each: a key with many waiting jobs delays the others by no more than one. The jobs that have
-- no key stand in line together, as if they had one of their own.

do
    local UNKEYED = '' -- in line for what waits in the ready lane
    local MOST_LOOKED_AT, MOST_STARTS = 100, 500

    local function free(queue, entry)
        local name = keyed.key_of(queue, entry)
        if not name then return end
        call('ZREM', P .. 'slots:' .. queue, keyed.digest(name) .. entry)
        keyed.look(queue, name)
    end

    -- What was handed out has ended, or goes back: its key may have something else started.
    function keyed.free(queue, entry)
        confined(team_of(queue), queue, free, queue, entry)
    end

    -- Keys that rested long enough; those that would for too long do so since before the clock was set back.
    local function end_rests(queue)
        local rests, period = P .. 'rests:' .. queue, keyed.limits(queue).period or 0
        local over = call('ZRANGEBYSCORE', rests, '-inf', vouched(), 'LIMIT', 0, MOST_LOOKED_AT)
        if #over == 0 then over = call('ZRANGEBYSCORE', rests, vouched() + period + AHEAD + 1, '+inf', 'LIMIT', 0, MOST_LOOKED_AT) end
        for _, name in ipairs(over) do
            call('ZREM', rests, name)
            keyed.look(queue, name)
        end
        local first = call('ZRANGE', rests, 0, 0, 'WITHSCORES')[2]
        if first then keyed.wake_at(queue, tonumber(first)) end
    end

    -- How many jobs of a queue that has keys may start as far as these are concerned, of which so many have none; `from`:
    -- where the look at all keys goes on.
    function keyed.ready(queue, unkeyed, from)
        if call('EXISTS', P .. 'rests:' .. queue) == 1 then end_rests(queue) end
        if unkeyed == 0 then call('ZREM', P .. 'lines:' .. queue, UNKEYED) end
        local goes_on = from and keyed.look_on(queue, from)
        if goes_on or call('EXISTS', P .. 'lines:' .. queue) == 1 then return unkeyed + MOST_STARTS end
        return unkeyed
    end

    local function job_at(place)
        return string.match(string.sub(place, -14), '0*(%d+)$')
    end

    -- A job of the key leaves its room for the front lane, where it is read at once.
    local function hand_out(queue, name, place)
        local id = job_at(place)
        local record = P .. 'j:' .. team_of(queue) .. ':' .. id
        local its = fields_of(record, 'state', 'entry', 'lane')
        if its.state ~= 'pending' or its.entry ~= place or its.lane ~= keyed.LANE then return false end
        local entry = push(queue, 'j:' .. id, FRONT, 'k', name)
        call('HSET', record, 'entry', entry, 'lane', FRONT)
        call('ZADD', P .. 'slots:' .. queue, 0, keyed.digest(name) .. entry)
        if keyed.limits(queue).count then
            call('ZADD', P .. 'key_starts:' .. queue, 0, string.format('%s%014.0f', keyed.digest(name), vouched()) .. entry)
        end
        return true
    end

    -- Whether the key had one handed out; its limits may be lower than when it came into line.
    local function serve_key(queue, name)
        local digest = keyed.digest(name)
        keyed.look(queue, name)
        if not call('ZSCORE', P .. 'lines:' .. queue, name) then return false end
        local place = call('ZRANGEBYLEX', P .. 'rooms:' .. queue, '[' .. digest, '(' .. digest .. '~', 'LIMIT', 0, 1)[1]
        call('ZREM', P .. 'rooms:' .. queue, place)
        local done, is_out = confined(team_of(queue), JOB .. ':' .. job_at(place), hand_out, queue, name, place)
        keyed.look(queue, name, true)
        return done and is_out
    end

    -- Hand out up to `most` jobs by the line of their keys, of which so many have none; how many were, and how many of those
    -- that have none may go beside them.
    function keyed.admit(queue, most, unkeyed)
        local admitted, others, looks = 0, 0, 0
        if unkeyed > 0 then keyed.line_up(queue, UNKEYED, true) end
        while admitted + others < most and looks < most + MOST_LOOKED_AT do
            looks = looks + 1
            local name = call('ZRANGE', P .. 'lines:' .. queue, 0, 0)[1]
            if not name then break end
            if name ~= UNKEYED then
                admitted = admitted + (serve_key(queue, name) and 1 or 0)
            elseif others == unkeyed then
                call('ZREM', P .. 'lines:' .. queue, UNKEYED)
            else
                others = others + 1
                keyed.line_up(queue, UNKEYED)
            end
        end
        return admitted, others
    end
end
