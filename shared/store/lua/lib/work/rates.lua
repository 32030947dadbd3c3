-- Rate limits: so many starts of a queue within a period, and so many requests.

local room_in, rate_allowance, note_starts

do
    -- How many more moments a window of `count` within `period` ms takes, and if none, when it takes the next.
    function room_in(window, count, period)
        local now = vouched()
        call('ZREMRANGEBYSCORE', window, '-inf', now - period)
        call('ZREMRANGEBYSCORE', window, now + period + AHEAD, '+inf') -- from before the clock was set back
        local over = call('ZCARD', window) - count
        if over < 0 then return -over end
        return -over, tonumber(call('ZRANGE', window, over, over, 'WITHSCORES')[2]) + period
    end

    -- How many may still start within the queue's rate limit; at 0 the clock brings the queue back when one may again.
    function rate_allowance(queue, count, period)
        local room, next_at = room_in(P .. 'starts:' .. queue, count, period)
        if next_at then
            local team, id = string.match(queue, '^(%d+):(%d+)$')
            wait_until(QUEUE, team, id, next_at)
        end
        return room
    end

    -- Of a queue with a rate limit for a period (ms, 0 = it has none).
    function note_starts(queue, started, period)
        if period == 0 then return end
        local starts, rows = P .. 'starts:' .. queue, {}
        local last = call('HINCRBY', P .. 'q:' .. queue, 'starts', started)
        for number = last - started + 1, last do
            rows[#rows + 1] = vouched()
            rows[#rows + 1] = number
        end
        call_in_parts(rows, 'ZADD', starts)
        fade(starts, period)
        touched[queue] = true -- it may have reached its limit
    end
end
