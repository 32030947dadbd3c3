-- What keeps the keys of a queue in step with its limits, its records and its front lane.

do
    local MOST_NAMES, MOST_SLOTS = 100, 500
    local mended

    at_begin(function() mended = {} end)

    -- The key that an entry of the front lane has, if it has one.
    function keyed.key_of(queue, entry)
        local found = call('XRANGE', P .. FRONT .. queue, entry, entry)[1]
        return found and found[2][3] == 'k' and found[2][4] or nil
    end

    -- From now on each key is looked at anew, for the limits are others.
    function keyed.look_anew(queue)
        if call('EXISTS', P .. 'keys:' .. queue) == 0 then return end
        call('HSET', P .. 'q:' .. queue, 'keyed', 1, 'look_from', '-')
    end

    -- Go on with that; whether it is not over.
    function keyed.look_on(queue, from)
        local names = call('ZRANGEBYLEX', P .. 'keys:' .. queue, from, '+', 'LIMIT', 0, MOST_NAMES)
        for _, name in ipairs(names) do keyed.look(queue, name) end
        if #names == MOST_NAMES then
            call('HSET', P .. 'q:' .. queue, 'look_from', '(' .. names[#names])
            return true
        end
        call('HDEL', P .. 'q:' .. queue, 'look_from')
        return false
    end

    -- Hold what is known of a key against the front lane, once a call; `entry` is of a job that was handed out and is there.
    function keyed.mend(queue, name, entry)
        if entry then call('ZADD', P .. 'slots:' .. queue, 0, keyed.digest(name) .. entry) end
        call('ZADD', P .. 'keys:' .. queue, 0, name)
        if mended[queue .. name] then return end
        mended[queue .. name] = true
        local slots, digest = P .. 'slots:' .. queue, keyed.digest(name)
        for _, slot in ipairs(call('ZRANGEBYLEX', slots, '[' .. digest, '(' .. digest .. '~', 'LIMIT', 0, MOST_SLOTS)) do
            if not keyed.key_of(queue, string.sub(slot, #digest + 1)) then call('ZREM', slots, slot) end
        end
        if call('EXISTS', P .. 'q:' .. queue) == 1 then call('HSET', P .. 'q:' .. queue, 'keyed', 1) end
        keyed.look(queue, name)
    end

    function keyed.clear(queue)
        for _, of in ipairs({ 'keys', 'rooms', 'slots', 'lines', 'rests', 'key_starts', 'paused_keys' }) do
            call('UNLINK', P .. of .. ':' .. queue)
        end
    end

    -- A key as callers see it: its name, how many of its jobs wait for their turn, how many are in flight, 1 if it is paused.
    function keyed.row(queue, name)
        local digest = keyed.digest(name)
        return { name, keyed.count(P .. 'rooms:' .. queue, digest), keyed.count(P .. 'slots:' .. queue, digest),
            call('SISMEMBER', P .. 'paused_keys:' .. queue, name) }
    end
end
