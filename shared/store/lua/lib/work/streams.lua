-- Ready streams: work that may start, in order, two lanes a queue.
--
-- What is in flight is the group's own pending count, and a finished entry is deleted: nothing can drift.

local FRONT, READY = 'f:', 's:' -- two lanes: given back by a lost or stopping worker, and the ordinary one
local touched -- queues whose turns are to be looked at once the call ends: true, or PUSHED, or limits read now, where they only got more work
local PUSHED = 'pushed'
local keyed = { LANE = 'rooms:' } -- jobs that have a key, in `keyed.lua`; how their records say that they wait there

at_begin(function() touched = {} end)

local function team_of(queue)
    return string.match(queue, '^%d+')
end

-- A team's cron executions and notices wait in hidden queues, which have no record and no limits of their own.
local function is_hidden(queue)
    return string.match(queue, ':%a+$') ~= nil
end

-- Append a job or execution to its queue's stream; `ref` is `j:<id>` or `e:<id>`, the key of a job that has one follows as `k`.
local function push(queue, ref, lane, ...)
    local stream = P .. lane .. queue
    touched[queue] = touched[queue] or PUSHED
    local entry = call('XADD', stream, 'NOMKSTREAM', '*', 'w', ref, ...)
    if entry then return entry end
    call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
    return call('XADD', stream, '*', 'w', ref, ...)
end

local function take_off(queue, lane, entry)
    if lane == FRONT and not is_hidden(queue) then keyed.free(queue, entry) end
    end_entry(P .. lane .. queue, entry)
    touched[queue] = true
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

-- In flight and waiting in both lanes, and of that waiting in the first.
local function load_of(queue)
    local front_flight, front_waiting = lane_load(P .. FRONT .. queue)
    local in_flight, waiting = lane_load(P .. READY .. queue)
    return front_flight + in_flight, front_waiting + waiting, front_waiting
end

-- How often the consumer has beaten for an entry it holds, from 1; nothing if it does not hold it. The count is the
-- entry's delivery count, which nothing else here changes.
local function holds(consumer, queue, lane, entry)
    local pending = redis.pcall('XPENDING', P .. lane .. queue, 'workers', entry, entry, 1)
    if pending.err or not pending[1] or pending[1][2] ~= consumer then return nil end
    return pending[1][4]
end

-- The same for many: entry -> beats of what the consumer holds in a lane, or nothing if that is too much to read.
local function all_in_flight(consumer, stream, most)
    local pending, in_flight = redis.pcall('XPENDING', stream, 'workers', '-', '+', most, consumer), {}
    if pending.err then return in_flight end
    if #pending == most then return nil end
    for _, one in ipairs(pending) do in_flight[one[1]] = one[4] end
    return in_flight
end
