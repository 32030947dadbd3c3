#!lua flags=allow-oom
-- Claim up to n jobs and executions for one worker, over the queues in order of their turns:  pending -> processing.
--
-- Start-time fair queueing: what a team was served moves its virtual time on, so a flood waits for itself.
--
-- KEYS  prefix    ARGV  consumer, n, now ('' = server)
-- Returns now (ms), the next due moment (ms, 0 = none), then per queue served: team:queue, settings (JSON, '' for
-- a hidden one), then per work: kind, team, queue, id, lane, entry, attempt, origin (or the cron, or the subject of
-- a notice), due (ms), what was asked (JSON, or what a notice tells of).

local consumer, n, now = ARGV[1], tonumber(ARGV[2]), moment(ARGV[3])
local turns, queues, works = P .. 'turns', {}, {}

local ORIGIN = { j = 'origin', e = 'cron', n = 'subject' }

-- What was asked; nothing if that was deleted meanwhile.
local function asked(kind, team, id, origin)
    if kind == 'j' then return call('GET', P .. 'b:' .. team .. ':' .. (origin or id)) end
    if kind == 'e' then return origin and call('HGET', P .. 'c:' .. team .. ':' .. origin, 'spec') end
    if call('EXISTS', record_of_subject(team, origin)) == 1 then
        return call('HGET', P .. 'n:' .. team .. ':' .. id, 'name')
    end
    call('DEL', P .. 'n:' .. team .. ':' .. id)
end

local function start(queue, lane, entry, ref)
    local team, qid = string.match(queue, '^(%d+):(.+)$')
    local kind, id = string.match(ref or '', '^([jen]):(%d+)$')
    if not kind then -- not ours to read: kept aside with its bytes
        call('XADD', P .. 'quarantine', 'MAXLEN', '~', 1000, '*', 'queue', queue, 'entry', entry, 'ref', ref or '')
        take_off(queue, lane, entry)
        return false
    end
    local record = P .. kind .. ':' .. team .. ':' .. id
    local fields = call('HMGET', record, 'state', 'attempt', ORIGIN[kind], 'due', 'entry')
    -- Delivered again while it is being processed: the group was lost, and with it who had it.
    local startable = fields[1] == 'pending' or (fields[1] == 'processing' and fields[5] == entry)
    local spec = startable and asked(kind, team, id, fields[3])
    if not spec then -- deleted meanwhile
        take_off(queue, lane, entry)
        return false
    end
    call('HSET', record, 'state', 'processing', 'entry', entry)
    move(kind, team, kind == 'e' and fields[3] or qid, id, fields[1], 'processing')
    event(NOUN[kind] .. '.started', team, ref)
    works[#works + 1] = { kind, team, qid, id, lane, entry, fields[2] or '1', fields[3] or '', fields[4], spec }
    return true
end

local function serve(queue, want)
    local left, started = want, 0
    for _, lane in ipairs({ FRONT, READY }) do
        local stream = P .. lane .. queue
        if left > 0 and call('XLEN', stream) > 0 then
            local read = call('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', left, 'STREAMS', stream, '>')
            call('SADD', P .. 'in_flight', queue) -- first: whatever happens below, the rescuer looks here
            for _, entry in ipairs(read and read[1][2] or {}) do
                left = left - 1
                if start(queue, lane, entry[1], entry[2][2]) then started = started + 1 end
            end
        end
    end
    if started > 0 then
        queues[#queues + 1] = { queue, call('HGET', P .. 'q:' .. queue, 'spec') or '' }
    end
    return want - left, started
end

local next_due = promote(now, 500)
refresh_touched()
touched = {}

local rounds = 0
while n > 0 and rounds < 200 do
    rounds = rounds + 1
    local first = call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    if not first[1] then break end
    local queue, score = first[1], tonumber(first[2])
    local allowed = allowance(queue)
    if allowed <= 0 then
        call('ZREM', turns, queue)
    else
        local share = math.max(1, math.floor(n / call('ZCARD', turns)))
        local read, started = serve(queue, math.min(n, allowed, share))
        local team = team_of(queue)
        local served = tonumber(call('HGET', P .. 'virtual_time', team) or 0)
        local at = math.max(served, score) + math.max(read, 1)
        call('HSET', P .. 'virtual_time', '_', score, team, at)
        if read > 0 and read < allowed then call('ZADD', turns, at, queue) else call('ZREM', turns, queue) end
        n = n - started
    end
end
refresh_touched()
if call('ZCARD', turns) > 0 then ring() end -- another idle worker may take the rest
post_tallies()
return { now, next_due, queues, works }
