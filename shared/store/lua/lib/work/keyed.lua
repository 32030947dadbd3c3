-- Jobs that have a key wait in rooms of their own, and enter the front lane of their queue only when they are handed out: a
-- key's limits count what has a slot, which is what was handed out and has not ended.
--
-- Of a queue, below the prefix: `keys` are the names of keys that something waits or runs of; `rooms` what waits, by
-- key, moment and id; `slots` what was handed out, by key and entry; `lines` the keys that may start something, in the order in
-- which they are served; `rests` those whose rate allows nothing, by when it does. The record of a job that waits has its place as
-- `entry`.

do
    local DIGEST = 20 -- hexadecimal digits, so that a name may have any characters
    local settings, last_scores

    at_begin(function() settings, last_scores = {}, {} end)

    function keyed.digest(name)
        return string.sub(redis.sha1hex(name), 1, DIGEST)
    end

    -- How many members of an index are of a key.
    function keyed.count(index, digest)
        return call('ZLEXCOUNT', index, '[' .. digest, '(' .. digest .. '~')
    end

    -- The limits that hold for each key of a queue by itself; none of a deleted one.
    function keyed.limits(queue)
        if settings[queue] then return settings[queue] end
        local its = fields_of(P .. 'q:' .. queue, 'key_max_parallelism', 'key_rate_count', 'key_rate_ms')
        settings[queue] = { most = tonumber(its.key_max_parallelism or ''), count = tonumber(its.key_rate_count or ''),
            period = tonumber(its.key_rate_ms or '') }
        return settings[queue]
    end

    -- How many more of a key its rate lets start; and if none, when it lets the next. As `room_in`, of one index for all keys.
    function keyed.rate_room(queue, digest)
        local limit, starts, now = keyed.limits(queue), P .. 'key_starts:' .. queue, vouched()
        local oldest, latest = now - (limit.period or 0) + 1, now + (limit.period or 0) + AHEAD + 1
        call('ZREMRANGEBYLEX', starts, '[' .. digest, string.format('(%s%014.0f', digest, oldest))
        call('ZREMRANGEBYLEX', starts, string.format('[%s%014.0f', digest, latest), '(' .. digest .. '~')
        local started = keyed.count(starts, digest)
        if not limit.count then return 1, started end
        if started < limit.count then return limit.count - started, started end
        local first = call('ZRANGEBYLEX', starts, '[' .. digest, '(' .. digest .. '~', 'LIMIT', started - limit.count, 1)[1]
        return 0, started, tonumber(string.sub(first, DIGEST + 1, DIGEST + 14)) + limit.period
    end

    local function rest_until(queue, name, at)
        call('ZADD', P .. 'rests:' .. queue, at, name)
        keyed.wake_at(queue, at)
    end

    -- The clock brings the queue back then, if it does not before.
    function keyed.wake_at(queue, at)
        local team, id = string.match(queue, '^(%d+):(%d+)$')
        local known = tonumber(call('ZSCORE', P .. 'due', due_member(QUEUE, team, id)) or '')
        if not known or known > at then wait_until(QUEUE, team, id, at) end
    end

    -- Behind all others; with `as_it_is` a key that stands in line keeps its place.
    function keyed.line_up(queue, name, as_it_is)
        local lines = P .. 'lines:' .. queue
        if as_it_is and call('ZSCORE', lines, name) then return end
        local last = last_scores[queue] or tonumber(call('ZRANGE', lines, -1, -1, 'WITHSCORES')[2] or '') or 0
        last_scores[queue] = last + 1
        call('ZADD', lines, last + 1, name)
    end

    -- Nothing of the key waits, or runs: it is forgotten once its rate counts nothing of it.
    local function forget(queue, name, digest)
        local _, started = keyed.rate_room(queue, digest)
        local limit = keyed.limits(queue)
        if started > 0 and limit.count then return rest_until(queue, name, vouched() + limit.period) end
        call('ZREM', P .. 'rests:' .. queue, name)
        if call('SISMEMBER', P .. 'paused_keys:' .. queue, name) == 0 then call('ZREM', P .. 'keys:' .. queue, name) end
    end

    -- Put a key into line if something of it may start now, at its end if it was just served, or see to it that it comes back.
    function keyed.look(queue, name, was_served)
        local digest, limit = keyed.digest(name), keyed.limits(queue)
        local slots, next_at = keyed.count(P .. 'slots:' .. queue, digest), nil
        local may = keyed.count(P .. 'rooms:' .. queue, digest) > 0
        if not may and slots == 0 then forget(queue, name, digest) end
        may = may and not (limit.most and slots >= limit.most)
        may = may and call('SISMEMBER', P .. 'paused_keys:' .. queue, name) == 0
        if may and limit.count then
            local room, _, at = keyed.rate_room(queue, digest)
            may, next_at = room > 0, at
        end
        if may then return keyed.line_up(queue, name, not was_served) end
        call('ZREM', P .. 'lines:' .. queue, name)
        if next_at then rest_until(queue, name, next_at) end
    end

    -- A job that may start waits for its turn among those of its key; `its` are its `key` and `due`.
    function keyed.enter(team, queue, id, its)
        local whole = team .. ':' .. queue
        local place = keyed.digest(its.key) .. string.format('%014.0f%014.0f', its.due, id)
        call('ZADD', P .. 'keys:' .. whole, 0, its.key)
        call('ZADD', P .. 'rooms:' .. whole, 0, place)
        call('HSET', P .. 'j:' .. team .. ':' .. id, 'entry', place, 'lane', keyed.LANE)
        if call('EXISTS', P .. 'q:' .. whole) == 1 then call('HSET', P .. 'q:' .. whole, 'keyed', 1) end
        touched[whole] = touched[whole] or PUSHED
        keyed.look(whole, its.key)
    end

    -- It will not start after all.
    function keyed.leave(team, queue, id, place)
        local whole, name = team .. ':' .. queue, call('HGET', P .. 'j:' .. team .. ':' .. id, 'key')
        call('ZREM', P .. 'rooms:' .. whole, place)
        touched[whole] = true
        if name then keyed.look(whole, name) end
    end
end
