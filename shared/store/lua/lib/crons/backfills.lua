-- Backfills: fires of a cron in the past that are made now, in the order of their moments, in bounded steps.

local backfills = {}

do
    local OPEN = { pending = true, processing = true }

    -- By which moment (ms) an execution stands where it does in an index of its cron, nothing if nobody knows; and its backfill, if
    -- it is of one: such a one has a moment of long ago, and stands where it was made.
    function backfills.placed(team, id)
        -- One that is damaged is for the patrol to see to.
        local read, due, backfill, created = pcall(values_of, record_of(EXECUTION, team, id), 'due', 'backfill', 'created')
        return read and tonumber(backfill and created or due or '') or nil, read and backfill
    end

    -- How many of an index of a cron stand before a moment.
    function backfills.rank(team, index, at)
        local low, high = 0, call('ZCARD', index)
        while low < high do
            local middle = math.floor((low + high) / 2)
            local placed = backfills.placed(team, call('ZRANGE', index, middle, middle)[1]) or 0
            if placed < at then low = middle + 1 else high = middle end
        end
        return low
    end

    local function state_of(team, id)
        return call('HGET', record_of(EXECUTION, team, id), 'state')
    end

    -- Make the execution of a moment (ms).
    function backfills.make(team, id, cron, at)
        local execution = make_execution(team, cron, { at_ms = at, missed = 0 })
        call('HSET', record_of(EXECUTION, team, execution), 'backfill', id)
        call('ZADD', P .. 'x:' .. team .. ':c' .. cron .. ':backfilled', at, execution)
        call('SADD', P .. 'backfill_open:' .. team .. ':' .. id, execution)
    end

    -- Of the executions that were open when it was looked last: how many are, how many completed and failed since, and the ids
    -- of those that are over or gone.
    function backfills.look(team, id)
        local open, ended, over = 0, { completed = 0, failed = 0 }, {}
        for _, execution in ipairs(call('SMEMBERS', P .. 'backfill_open:' .. team .. ':' .. id)) do
            local read, state = pcall(state_of, team, execution)
            if not read then state = nil end
            if OPEN[state] then open = open + 1 else over[#over + 1] = execution end
            if ended[state] then ended[state] = ended[state] + 1 end
        end
        return open, ended.completed, ended.failed, over
    end

    -- Schedulers still look at it while an execution of it is open.
    local function close(team, id)
        local cron = P .. 'c:' .. team .. ':' .. (call('HGET', P .. 'backfill:' .. team .. ':' .. id, 'cron') or '')
        call('DEL', P .. 'backfill_moments:' .. team .. ':' .. id, P .. 'backfill_seen:' .. team .. ':' .. id)
        if call('HGET', cron, 'backfill') == id then call('HDEL', cron, 'backfill') end
        if call('EXISTS', P .. 'backfill_open:' .. team .. ':' .. id) == 0 then call('SREM', P .. 'backfills', team .. ':' .. id) end
    end

    -- All its moments were looked at, and what it made has ended:  running -> finished.
    function backfills.finish(team, id)
        call('HSET', P .. 'backfill:' .. team .. ':' .. id, 'state', 'finished', 'ended', moment())
        close(team, id)
    end

    -- It makes nothing more:  running -> cancelled.
    function backfills.cancel(team, id)
        call('HSET', P .. 'backfill:' .. team .. ':' .. id, 'state', 'cancelled', 'ended', moment())
        close(team, id)
    end

    function backfills.forget(team, id)
        call('DEL', P .. 'backfill:' .. team .. ':' .. id, P .. 'backfill_moments:' .. team .. ':' .. id,
            P .. 'backfill_open:' .. team .. ':' .. id, P .. 'backfill_seen:' .. team .. ':' .. id)
        call('ZREM', P .. 'x:' .. team .. ':backfills', id)
        call('SREM', P .. 'backfills', team .. ':' .. id)
    end

    -- id, its fields, how many of its executions are open, and how many completed and failed that its fields do not count yet;
    -- nothing if it is not there.
    function backfills.row(team, id)
        local fields = call('HGETALL', P .. 'backfill:' .. team .. ':' .. id)
        if #fields == 0 then return nil end
        local open, completed, failed = backfills.look(team, id)
        return { id, fields, open, completed, failed }
    end
end
