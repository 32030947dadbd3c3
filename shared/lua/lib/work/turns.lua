-- Ready streams, and whose turn it is: start-time fair queueing over the teams, then over a team's queues.
--
-- `turns` holds the teams that may hand out work by their virtual time, `turns:<team>` their queues by theirs. What
-- was served moves both on, a queue's by work / weight, so a flood waits for itself. Who comes back after a rest
-- starts at the present: the virtual time of what was served last.
--
-- What is in flight is the group's own pending count, and a finished entry is deleted: nothing can drift.

local touched, has_group

at_begin(function() touched, has_group = {}, {} end)

local OUTBOX_PARALLELISM = 4 -- a team's dead callback target holds no more of the workers than this
local NOTICES = { outbox = true, alerts = true } -- hidden queues apart, so that neither waits for the other
local FRONT, READY = 'f:', 's:' -- two lanes: given back by a lost or stopping worker, and the ordinary one

local function ring()
    call('XADD', P .. 'bell', 'MAXLEN', 1, '*', 'r', 1)
end

-- The schedulers sleep until the next due moment: tell them when there is an earlier one.
local function tell_clock(what)
    call('XADD', P .. 'clock', 'MAXLEN', '~', 100, '*', 'changed', what)
end

local function due_member(kind, team, id)
    return string.format('%s:%s:%014d', kind, team, id) -- padded: jobs due at once go in the order of their ids
end

local MOST_DOUBTFUL = 100000

-- What is reckoned from a present that nobody vouches for is remembered by that, for schedulers that find it wrong.
local function note_doubt(kind, team, id)
    if vouched() == moment() or call('ZCARD', P .. 'doubtful') >= MOST_DOUBTFUL then return end
    call('ZADD', P .. 'doubtful', 'NX', moment(), due_member(kind, team, id))
end

local function wait_until(kind, team, id, due)
    local member = due_member(kind, team, id)
    if kind == 'j' or kind == 'e' or kind == 'n' then note_doubt(kind, team, id) end
    local changed = call('ZADD', P .. 'due', 'CH', due, member) == 1
    if changed and call('ZRANK', P .. 'due', member) == 0 then tell_clock(member) end
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

-- A team's cron executions and notices wait in hidden queues, which have no record and no limits of their own.
local function is_hidden(queue)
    return string.match(queue, ':%a+$') ~= nil
end

-- How many more moments a window of `count` within `period` ms takes, and if none, when it takes the next.
local function room_in(window, count, period)
    local now = vouched()
    call('ZREMRANGEBYSCORE', window, '-inf', now - period)
    call('ZREMRANGEBYSCORE', window, now + period + AHEAD, '+inf') -- from before the clock was set back
    local over = call('ZCARD', window) - count
    if over < 0 then return -over end
    return -over, tonumber(call('ZRANGE', window, over, over, 'WITHSCORES')[2]) + period
end

-- How many may still start within the queue's rate limit; at 0 the clock brings the queue back when one may again.
local function rate_allowance(queue, count, period)
    local room, next_at = room_in(P .. 'starts:' .. queue, count, period)
    if next_at then
        local team, id = string.match(queue, '^(%d+):(%d+)$')
        wait_until('q', team, id, next_at)
    end
    return room
end

local function note_starts(queue, started)
    local period = tonumber(call('HGET', P .. 'q:' .. queue, 'rate_ms') or '') or 0
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

-- How many more jobs of the queue may start now, how many are in flight, and its weight.
local function allowance(queue)
    local in_flight, waiting = load_of(queue)
    if NOTICES[string.match(queue, '%a*$')] then return math.min(waiting, OUTBOX_PARALLELISM - in_flight), in_flight, 1 end
    if is_hidden(queue) then return waiting, in_flight, 1 end
    local settings = fields_of(P .. 'q:' .. queue, 'is_active', 'max_parallelism', 'rate_count', 'rate_ms', 'weight')
    local weight = tonumber(settings.weight or '') or 1
    if settings.is_active ~= '1' then return 0, in_flight, weight end
    local allowed, most, count = waiting, tonumber(settings.max_parallelism or ''), tonumber(settings.rate_count or '')
    if most then allowed = math.min(allowed, most - in_flight) end
    if count and allowed > 0 then allowed = math.min(allowed, rate_allowance(queue, count, tonumber(settings.rate_ms))) end
    return allowed, in_flight, weight
end

local function virtual_times(present, own)
    local times = call('HMGET', P .. 'virtual_time', present, own)
    return math.max(tonumber(times[1]) or 0, tonumber(times[2]) or 0)
end

local function leave_turns(team, queue)
    local left = call('ZREM', P .. 'turns:' .. team, queue) == 1
    if left and call('EXISTS', P .. 'turns:' .. team) == 0 then call('ZREM', P .. 'turns', team) end
end

-- Put the queue among those that may hand out work, or take it out.
local function refresh(queue)
    local allowed, in_flight = allowance(queue)
    local team = team_of(queue)
    if allowed <= 0 then
        leave_turns(team, queue)
    elseif not call('ZSCORE', P .. 'turns:' .. team, queue) then
        call('ZADD', P .. 'turns:' .. team, virtual_times(team .. ':_', queue), queue)
        if not call('ZSCORE', P .. 'turns', team) then
            call('ZADD', P .. 'turns', virtual_times('_', team), team)
            if call('ZCARD', P .. 'turns') == 1 then ring() end
        end
    end
    if in_flight == 0 then call('SREM', P .. 'in_flight', queue) end
end

local function refresh_touched()
    for queue in pairs(touched) do confined(team_of(queue), queue, refresh, queue) end
    touched = {}
end

-- Append a job or execution to its queue's stream; `ref` is `j:<id>` or `e:<id>`.
local function push(queue, ref, lane)
    local stream = P .. lane .. queue
    if not has_group[stream] and call('EXISTS', stream) == 0 then
        call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
    end
    has_group[stream] = true
    touched[queue] = true
    return call('XADD', stream, '*', 'w', ref)
end

local function take_off(queue, lane, entry)
    end_entry(P .. lane .. queue, entry)
    touched[queue] = true
end

-- How often the consumer has beaten for an entry it holds, from 1; nothing if it does not hold it. The count is the
-- entry's delivery count, which nothing else here changes.
local function holds(consumer, queue, lane, entry)
    local pending = redis.pcall('XPENDING', P .. lane .. queue, 'workers', entry, entry, 1)
    if pending.err or not pending[1] or pending[1][2] ~= consumer then return nil end
    return pending[1][4]
end

-- The same for many: entry -> beats of what the consumer holds in a lane, or nothing if that is too much to read.
local function all_held(consumer, stream, most)
    local pending, held = redis.pcall('XPENDING', stream, 'workers', '-', '+', most, consumer), {}
    if pending.err then return held end
    if #pending == most then return nil end
    for _, one in ipairs(pending) do held[one[1]] = one[4] end
    return held
end
