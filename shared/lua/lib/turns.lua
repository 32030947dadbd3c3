-- Ready streams and the turns of their queues.
--
-- A finished entry is acknowledged and deleted together, so a stream's length is waiting + in flight, and what is
-- in flight is the group's own pending count: nothing can drift.

local OUTBOX_PARALLELISM = 4 -- a team's dead callback target holds no more of the workers than this
local FRONT, READY = 'f:', 's:' -- two lanes: given back by a lost or stopping worker, and the ordinary one

local function ring()
    call('XADD', P .. 'bell', 'MAXLEN', 1, '*', 'r', 1)
end

-- The schedulers sleep until the next due moment: tell them when there is an earlier one.
local function tell_clock(what)
    call('XADD', P .. 'clock', 'MAXLEN', '~', 100, '*', 'changed', what)
end

-- In flight and waiting in one lane.
local function lane_load(stream)
    local length = call('XLEN', stream)
    if length == 0 then return 0, 0 end
    local group = call('XINFO', 'GROUPS', stream)[1]
    if not group then -- lost: from 0, so that everything is delivered again
        call('XGROUP', 'CREATE', stream, 'workers', '0')
        return 0, length
    end
    local in_flight = group[6]
    return in_flight, length - in_flight
end

local function load_of(queue)
    local front_flight, front_waiting = lane_load(P .. FRONT .. queue)
    local in_flight, waiting = lane_load(P .. READY .. queue)
    return front_flight + in_flight, front_waiting + waiting
end

local function team_of(queue)
    return string.match(queue, '^%d+')
end

-- A team's cron executions and notices wait in hidden queues, which have no record and no limits.
local function is_hidden(queue)
    return string.match(queue, ':%a+$') ~= nil
end

-- How many more jobs of the queue may start now, and how many are in flight.
local function allowance(queue)
    local in_flight, waiting = load_of(queue)
    if string.match(queue, ':outbox$') then return math.min(waiting, OUTBOX_PARALLELISM - in_flight), in_flight end
    if is_hidden(queue) then return waiting, in_flight end
    local settings = call('HMGET', P .. 'q:' .. queue, 'is_active', 'max_parallelism')
    if settings[1] ~= '1' then return 0, in_flight end
    if settings[2] and settings[2] ~= '' then
        return math.min(waiting, tonumber(settings[2]) - in_flight), in_flight
    end
    return waiting, in_flight
end

-- Put the queue among those that may hand out work, or take it out.
local function refresh(queue)
    local turns = P .. 'turns'
    local allowed, in_flight = allowance(queue)
    if allowed <= 0 then
        call('ZREM', turns, queue)
    elseif not call('ZSCORE', turns, queue) then
        local served = call('HMGET', P .. 'virtual_time', '_', team_of(queue))
        call('ZADD', turns, math.max(tonumber(served[1] or 0), tonumber(served[2] or 0)), queue)
        if call('ZCARD', turns) == 1 then ring() end
    end
    if in_flight == 0 then call('SREM', P .. 'in_flight', queue) end
end

local touched = {}

local function refresh_touched()
    for queue in pairs(touched) do refresh(queue) end
end

-- Append a job or execution to its queue's stream; `ref` is `j:<id>` or `e:<id>`.
local function push(queue, ref, lane)
    local stream = P .. lane .. queue
    if call('EXISTS', stream) == 0 then
        call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
    end
    touched[queue] = true
    return call('XADD', stream, '*', 'w', ref)
end

local function take_off(queue, lane, entry)
    local stream = P .. lane .. queue
    call('XACK', stream, 'workers', entry)
    call('XDEL', stream, entry)
    touched[queue] = true
end

-- How often the consumer has beaten for an entry it holds, from 1; nothing if it does not hold it. The count is the
-- entry's delivery count, which nothing else here changes.
local function holds(consumer, queue, lane, entry)
    local pending = redis.pcall('XPENDING', P .. lane .. queue, 'workers', entry, entry, 1)
    if pending.err or not pending[1] or pending[1][2] ~= consumer then return nil end
    return pending[1][4]
end
