-- Whose turn it is: start-time fair queueing over the teams, then over a team's queues.
--
-- `turns` holds the teams that may hand out work by their virtual time, `turns:<team>` their queues by theirs. What
-- was served moves both on, a queue's by work / weight, so a flood waits for itself. Who comes back after a rest
-- starts at the present: the virtual time of what was served last.

local limits_of, allowance, leave_turns, charge, refresh, refresh_touched

do
    local OUTBOX_PARALLELISM = 4 -- a team's dead callback target holds no more of the workers than this
    local NOTICES = { outbox = true, alerts = true } -- hidden queues apart, so that neither waits for the other

    local function is_notices(queue)
        return NOTICES[string.match(queue, '%a*$')]
    end

    -- What limits a queue, its weight, and the fields that are named; a hidden one has no record.
    function limits_of(queue, ...)
        if is_hidden(queue) then return {} end
        return fields_of(P .. 'q:' .. queue, 'is_active', 'max_parallelism', 'rate_count', 'rate_ms', 'weight', 'keyed', 'look_from', ...)
    end

    -- Whether all that waits in it may start, whatever is in flight.
    local function is_unlimited(queue, its)
        if is_hidden(queue) then return not is_notices(queue) end
        return its.is_active == '1' and not (tonumber(its.max_parallelism or '') or tonumber(its.rate_count or '') or its.keyed)
    end

    -- How many more jobs of the queue may start now by its limits, how many are in flight, its weight, how many wait in all and
    -- in the first lane. Who reads it at once is not told what is in flight in a queue without limits, which counts as waiting.
    function allowance(queue, its, is_read_now)
        if is_read_now and is_unlimited(queue, its) then
            local in_front = call('XLEN', P .. FRONT .. queue)
            local most = in_front + call('XLEN', P .. READY .. queue)
            return most, nil, tonumber(its.weight or '') or 1, most, in_front
        end
        local in_flight, waiting, in_front = load_of(queue)
        if is_hidden(queue) then
            local allowed = is_notices(queue) and math.min(waiting, OUTBOX_PARALLELISM - in_flight) or waiting
            return allowed, in_flight, 1, waiting, in_front
        end
        local weight = tonumber(its.weight or '') or 1
        if its.is_active ~= '1' then return 0, in_flight, weight, waiting, in_front end
        local may = its.keyed and keyed.ready(queue, waiting, its.look_from) or waiting
        local allowed, most, count = may, tonumber(its.max_parallelism or ''), tonumber(its.rate_count or '')
        if most then allowed = math.min(allowed, most - in_flight) end
        if count and allowed > 0 then allowed = math.min(allowed, rate_allowance(queue, count, tonumber(its.rate_ms))) end
        return allowed, in_flight, weight, waiting, in_front
    end

    local function later(now_at, own_at)
        return math.max(tonumber(now_at) or 0, tonumber(own_at) or 0)
    end

    -- Where a queue, and its team, come back: at their own virtual time, or at the present if that is later.
    local function virtual_times(team, queue)
        local queue_now, queue_at, team_now, team_at = values_of(P .. 'virtual_time', team .. ':_', queue, '_', team)
        return later(queue_now, queue_at), later(team_now, team_at)
    end

    local function enter_turns(team, queue)
        local queue_at, team_at = virtual_times(team, queue)
        call('ZADD', P .. 'turns:' .. team, 'NX', queue_at, queue)
        -- Also where the queue was there already: of a `turns` that was lost nobody else would tell.
        if call('ZADD', P .. 'turns', 'NX', team_at, team) == 1 and call('ZCARD', P .. 'turns') == 1 then ring() end
    end

    -- The team leaves with the last of its queues, or goes on at its virtual time, where that is given.
    function leave_turns(team, queue, team_at)
        local left = call('ZREM', P .. 'turns:' .. team, queue) == 1
        if left and call('EXISTS', P .. 'turns:' .. team) == 0 then
            call('ZREM', P .. 'turns', team)
        elseif team_at then
            call('ZADD', P .. 'turns', 'XX', team_at, team)
        end
    end

    -- Put the queue among those that may hand out work, or take it out.
    function refresh(queue, why)
        local team, read_now = team_of(queue), type(why) == 'table' and why
        local its, is_more = read_now or limits_of(queue), read_now or why == PUSHED
        if is_more and is_unlimited(queue, its) then return enter_turns(team, queue) end
        local allowed, in_flight = allowance(queue, its)
        if allowed <= 0 then
            leave_turns(team, queue)
        else
            enter_turns(team, queue)
        end
        if in_flight == 0 and not is_more then call('SREM', P .. 'in_flight', queue) end
    end

    function refresh_touched()
        for queue, why in pairs(touched) do confined(team_of(queue), queue, refresh, queue, why) end
        touched = {}
    end

    -- Move the virtual times of the team and the queue on by what was served from where their turns stood; `is_last`: there
    -- is nothing more to serve.
    function charge(turn, served, weight, is_last)
        local team, queue = turn.team, turn.queue
        local team_at, queue_at = values_of(P .. 'virtual_time', team, queue)
        team_at = math.max(tonumber(team_at) or 0, turn.team_at) + served
        queue_at = math.max(tonumber(queue_at) or 0, turn.queue_at) + served / weight
        call('HSET', P .. 'virtual_time', '_', turn.team_at, team, team_at, team .. ':_', turn.queue_at, queue, queue_at)
        if is_last then return leave_turns(team, queue, team_at) end
        call('ZADD', P .. 'turns', 'XX', team_at, team)
        call('ZADD', P .. 'turns:' .. team, 'XX', queue_at, queue)
    end
end
