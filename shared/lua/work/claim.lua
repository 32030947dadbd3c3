#!lua flags=allow-oom
-- Claim up to n pieces of work for one worker, over the teams and their queues in turn:  pending -> processing.
--
-- Then up to `spare` more, one each of queues that have nothing in flight: a quiet queue does not wait for slow jobs. Where
-- teams have many of the worker's places, `kept` of the spare ones are for the others, and these may have more than one.
--
-- Given the consumer, `places` (n), `spare`, `kept`, now_ms; and the teams that have many of the worker's places.
-- Returns now (ms), the next due moment (ms, 0 = none), then per queue served: team:queue, settings (JSON, '' for
-- a hidden one), name (or ''), then per work: kind, team, queue, id, lane, entry, attempt, origin (or the cron, or the subject of
-- a notice), due (ms), what was asked (JSON, or what a notice tells of), since when it is held back (ms, '' = it is
-- not), its intent, the name of its cron (or ''); at last per team served: team, its signing secrets (sealed, '' without), hosts it
-- leaves alone and until when, and hosts that say they are busy and until when.

local consumer, now = given.consumer, moment(given.now_ms)
local n, spare, kept = tonumber(given.places), tonumber(given.spare or 0), tonumber(given.kept or 0)
local turns, queues, works, teams, crowd = P .. 'turns', {}, {}, {}, {}

local ORIGIN = { j = 'origin', e = 'cron', n = 'subject' }
local LATER = 5000 -- ms until what only a newer version can read is offered again
local SPEC_LOST = '{"failure_reason":"unknown","error_message":"What this job asks for is lost; nothing was sent."}'
local QUIET_LOOK = 8 -- teams, and queues of each, that a look for quiet queues takes in

-- What was asked, and by a cron of which name; nothing if that was deleted meanwhile.
local function asked(kind, team, id, origin)
    if kind == 'j' then return call('GET', P .. 'b:' .. team .. ':' .. (origin or id)) end
    if kind == 'e' then
        local cron = origin and fields_of(P .. 'c:' .. team .. ':' .. origin, 'spec', 'name') or {}
        if cron.spec or not origin or call('EXISTS', P .. 'c:' .. team .. ':' .. origin) == 0 then return cron.spec, cron.name end
        error('what is asked for by cron ' .. origin .. ' is lost', 0)
    end
    if call('EXISTS', record_of_subject(team, origin)) == 1 then
        return call('HGET', record_of('n', team, id), 'name')
    end
    call('DEL', record_of('n', team, id))
end

local function quarantine(queue, lane, entry, ref)
    call('XADD', P .. 'quarantine', 'MAXLEN', '~', 1000, '*', 'queue', queue, 'entry', entry, 'ref', ref)
    take_off(queue, lane, entry)
end

-- A record of a newer version is left as it is, and offered again later: a newer worker will know it.
local function put_back(kind, team, id, queue, lane, entry)
    take_off(queue, lane, entry)
    call('HSET', record_of(kind, team, id), 'entry', '')
    wait_until(kind, team, id, now + LATER)
end

-- A job that may have expired:  pending -> failed, or back to the due until somebody vouches for the present again.
local function expire_or_wait(team, id, queue, lane, entry, expires)
    take_off(queue, lane, entry)
    if expires <= vouched() then return expire(team, id) end
    call('HSET', record_of('j', team, id), 'entry', '')
    wait_until('j', team, id, vouched() + 1)
end

-- A moment as far from the present, by which the worker goes, as it is from the one that is vouched for.
local function as_seen_now(at)
    local ahead = now - vouched()
    if ahead == 0 or (tonumber(at) or 0) == 0 then return at end
    return string.format('%.0f', at + ahead)
end

-- The team's requests of this month are used up:  pending -> failed.
local function refuse(kind, team, qid, id, queue, lane, entry)
    take_off(queue, lane, entry)
    settle(kind, team, qid, id, { verdict = 'fail', run = USED_UP, reason = 'limit_exceeded' })
end

-- What it asks for is lost: nothing can be sent, and it must not wait for ever.
local function bury(team, qid, id, queue, lane, entry)
    take_off(queue, lane, entry)
    settle('j', team, qid, id, { verdict = 'dead', run = SPEC_LOST, due = now, reason = 'unknown' })
end

local function start(queue, lane, entry, ref)
    local team, qid = string.match(queue, '^(%d+):(.+)$')
    local kind, id = string.match(ref, '^([jen]):(%d+)$')
    if not kind then return quarantine(queue, lane, entry, ref) end
    local record = record_of(kind, team, id)
    local state, attempt, origin, due, its_entry, version, expires, held_since, intent = values_of(record, 'state', 'attempt',
        ORIGIN[kind], 'due', 'entry', 'v', 'expires', 'held_since', 'intent')
    if (tonumber(version) or 0) >= OLDEST_NEWER then return put_back(kind, team, id, queue, lane, entry) end
    if state == 'pending' and expires and tonumber(expires) <= now then
        return expire_or_wait(team, id, queue, lane, entry, tonumber(expires))
    end
    -- Delivered again while it is being processed: the group was lost, and with it who had it.
    local startable = its_entry == entry and (state == 'pending' or state == 'processing')
    local spec, name
    if startable then spec, name = asked(kind, team, id, origin) end
    if startable and kind == 'j' and not spec then return bury(team, qid, id, queue, lane, entry) end
    if not spec then return take_off(queue, lane, entry) end -- deleted meanwhile
    if kind ~= 'n' and not count_request(team) then return refuse(kind, team, qid, id, queue, lane, entry) end
    call('HSET', record, 'state', 'processing')
    if held_since then call('HDEL', record, 'waits_for') end
    move(kind, team, kind == 'e' and origin or qid, id, state, 'processing')
    event(NOUN[kind] .. '.started', team, ref)
    works[#works + 1] = { kind, team, qid, id, lane, entry, attempt or '1', origin or '', due, spec,
        as_seen_now(held_since or ''), intent or '', name or '' }
end

-- Read up to `want` entries and start what they name; returns how many were read, and how many started.
local function serve(turn, want)
    local queue, remaining, before = turn.queue, want, #works
    for _, lane in ipairs({ FRONT, READY }) do
        local stream = P .. lane .. queue
        if remaining > 0 and call('XLEN', stream) > 0 then
            local read = call('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', remaining, 'STREAMS', stream, '>')
            call('SADD', P .. 'in_flight', queue) -- first: whatever happens below, the rescuer looks here
            for _, entry in ipairs(read and read[1][2] or {}) do
                remaining = remaining - 1
                local ref = entry[2][1] == 'w' and entry[2][2] or table.concat(entry[2], ' ')
                if not confined(turn.team, ref, start, queue, lane, entry[1], ref) then
                    quarantine(queue, lane, entry[1], ref)
                end
            end
        end
    end
    local started = #works - before
    if started > 0 and not is_hidden(queue) then note_starts(queue, started) end
    if started > 0 then
        local known = fields_of(P .. 'q:' .. queue, 'spec', 'name')
        queues[#queues + 1] = { queue, known.spec or '', known.name or '' }
        teams[team_of(queue)] = true
    end
    return want - remaining, started
end

-- Move the virtual times of the team and the queue on by what was served from where their turns stood.
local function charge(team, queue, turn, served, weight)
    local times = call('HMGET', P .. 'virtual_time', team, queue)
    local team_at = math.max(tonumber(times[1]) or 0, turn.team_at) + served
    local queue_at = math.max(tonumber(times[2]) or 0, turn.queue_at) + served / weight
    call('HSET', P .. 'virtual_time', '_', turn.team_at, team, team_at, team .. ':_', turn.queue_at, queue, queue_at)
    call('ZADD', turns, 'XX', team_at, team)
    call('ZADD', P .. 'turns:' .. team, 'XX', queue_at, queue)
end

local function take_turn(turn, want)
    local team, queue = turn.team, turn.queue
    local allowed, _, weight = allowance(queue)
    if allowed <= 0 then
        leave_turns(team, queue)
        return
    end
    settings_of(team) -- first: of whom these are damaged nothing may start
    local read, started = serve(turn, math.min(want, allowed))
    charge(team, queue, turn, math.max(read, 1), weight)
    if read == 0 or read >= allowed then leave_turns(team, queue) end
    if started == 0 then touched[queue] = true end -- nothing is in flight after all
    return started
end

-- The same; a queue, or a team, whose records are damaged loses its turn, until it is touched again.
local function try_turn(turn, want)
    local done, started = confined(turn.team, turn.queue, take_turn, turn, want)
    if done then return started or 0 end
    if not confined(turn.team, '', leave_turns, turn.team, turn.queue) then call('ZREM', turns, turn.team) end
    return 0
end

local function first_queues(team, most)
    return call('ZRANGE', P .. 'turns:' .. team, 0, most - 1, 'WITHSCORES')
end

-- The queues whose turn it is, in order: up to so many teams, and up to so many queues of each.
local function next_turns(most_teams, most_queues)
    local found, turns_of_teams = {}, call('ZRANGE', turns, 0, most_teams - 1, 'WITHSCORES')
    for t = 1, #turns_of_teams, 2 do
        local read, rows = confined(turns_of_teams[t], '', first_queues, turns_of_teams[t], most_queues)
        rows = read and rows or {}
        if #rows == 0 then call('ZREM', turns, turns_of_teams[t]) end
        for q = 1, #rows, 2 do
            found[#found + 1] = { team = turns_of_teams[t], team_at = tonumber(turns_of_teams[t + 1]), queue = rows[q],
                queue_at = tonumber(rows[q + 1]) }
        end
    end
    return found
end

local rounds, MOST_ROUNDS = 0, 200

local function serve_in_turn()
    while n > 0 and rounds < MOST_ROUNDS and call('EXISTS', turns) == 1 do
        rounds = rounds + 1
        local turn = next_turns(1, 1)[1]
        if turn then
            local sharing = call('ZCARD', turns) * call('ZCARD', P .. 'turns:' .. turn.team)
            n = n - try_turn(turn, math.min(n, math.max(1, math.floor(n / sharing))))
        end
    end
end

for _, team in ipairs(given_list()) do crowd[team] = true end

-- How many of the spare places a queue may have.
local function spare_for(turn, in_flight)
    if next(crowd) and not crowd[turn.team] then return spare end
    if in_flight > 0 then return 0 end
    return math.min(1, crowd[turn.team] and spare - kept or spare)
end

local function serve_quiet()
    for _, turn in ipairs(next_turns(QUIET_LOOK, QUIET_LOOK)) do
        local read, _, in_flight = confined(turn.team, turn.queue, allowance, turn.queue)
        local want = read and spare_for(turn, in_flight) or 0
        if want > 0 then spare = spare - try_turn(turn, want) end
    end
end

if call('EXISTS', P .. 'stopped:' .. consumer) == 1 then return { now, 0, {}, {}, {} } end -- a late one: nobody reads this
local next_due = promote(now, 500)
refresh_touched()
confined('', '', serve_in_turn)
if spare > 0 then confined('', '', serve_quiet) end
conclude()
local function ring_on()
    if call('EXISTS', turns) == 1 then ring() end -- another idle worker may take the rest
end

local LONGEST_REST = { ['held:'] = 300000, ['busy:'] = 86400000 } -- ms

-- Rests end by the moment that is vouched for; one that would last too long is from before the clock was set back.
local function rests_of(team, kind)
    local key, latest = P .. kind .. team, vouched() + LONGEST_REST[kind] + AHEAD
    local rests, found = call('ZRANGEBYSCORE', key, vouched(), '+inf', 'WITHSCORES'), {}
    for i = 1, #rests, 2 do
        if tonumber(rests[i + 1]) > latest then
            call('ZREM', key, rests[i])
        else
            found[#found + 1] = rests[i]
            found[#found + 1] = as_seen_now(rests[i + 1])
        end
    end
    return found
end

if tonumber(given.places) > 0 and (#works > 0 or rounds == MOST_ROUNDS) then confined('', '', ring_on) end
local of_teams = {}
for team in pairs(teams) do
    local held, rests = confined(team, '', rests_of, team, 'held:')
    local busy, waits = confined(team, '', rests_of, team, 'busy:')
    of_teams[#of_teams + 1] = { team, settings_of(team).signing, held and rests or {}, busy and waits or {} }
end
return { now, next_due, queues, works, of_teams }
