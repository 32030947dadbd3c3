-- A queue whose turn it is hands out work to a worker; `claim` is as in `starting.lua`.

local next_turns, try_turn

do
    -- Start what the entries of one lane name, up to `want`; returns how many were read.
    local function serve_lane(claim, turn, want)
        if want <= 0 then return 0 end
        local stream = P .. claim.lane .. claim.queue
        local read = redis.pcall('XREADGROUP', 'GROUP', 'workers', claim.consumer, 'COUNT', want, 'STREAMS', stream, '>')
        if read and read.err then
            lane_load(stream) -- which makes a group anew that was lost
            read = call('XREADGROUP', 'GROUP', 'workers', claim.consumer, 'COUNT', want, 'STREAMS', stream, '>')
        end
        call('SADD', P .. 'in_flight', claim.queue) -- first: whatever happens below, the rescuer looks here
        local entries = read and read[1][2] or {}
        for _, entry in ipairs(entries) do
            local ref = entry[2][1] == 'w' and entry[2][2] or table.concat(entry[2], ' ')
            if not confined(turn.team, ref, start, claim, entry[1], ref) then
                quarantine(claim.queue, claim.lane, entry[1], ref)
            end
        end
        return #entries
    end

    -- Read up to `want` entries, of which so many wait in the first lane and in the other, and start what they name; `its`
    -- are fields of the queue. Returns how many were read, and how many started.
    local function serve(claim, turn, want, in_front, in_ready, its)
        local queue, before = turn.queue, #claim.works
        claim.queue, claim.lane, claim.team, claim.name = queue, FRONT, string.match(queue, '^(%d+):(.+)$')
        local read = serve_lane(claim, turn, math.min(want, in_front))
        claim.lane = READY
        read = read + serve_lane(claim, turn, math.min(want - read, in_ready))
        local started = #claim.works - before
        if started > 0 then
            note_starts(queue, started, tonumber(its.rate_ms or '') or 0)
            claim.queues[#claim.queues + 1] = { queue, its.spec or '', its.name or '', its.watched or '' }
            claim.teams[claim.team] = true
        end
        return read, started
    end

    -- An equal share of `want` places among all whose turn it is.
    local function share_of(want, team)
        return math.max(1, math.floor(want / (call('ZCARD', P .. 'turns') * call('ZCARD', P .. 'turns:' .. team))))
    end

    local function is_empty(queue)
        local _, waiting = load_of(queue)
        return waiting == 0
    end

    local function take_turn(claim, turn, want)
        local team, queue = turn.team, turn.queue
        local its = limits_of(queue, 'spec', 'name', 'watched')
        local allowed, in_flight, weight, waiting, in_front = allowance(queue, its, true)
        if allowed <= 0 then
            leave_turns(team, queue)
            return
        end
        settings_of(team) -- first: of whom these are damaged nothing may start
        local most = math.min(want, allowed)
        if most > 1 and claim.is_shared then most = math.min(most, share_of(want, team)) end
        local in_ready, admitted = waiting - in_front, 0
        if its.keyed then
            admitted, in_ready = keyed.admit(queue, most - in_front, in_ready)
            touched[queue] = true -- how many more may start depends on their keys
        end
        local read, started = serve(claim, turn, most, in_front + admitted, in_ready, its)
        local is_last = read == 0 or read >= allowed or not in_flight and (read < most or is_empty(queue))
        charge(turn, math.max(read, 1), weight, is_last)
        if started == 0 then touched[queue] = true end -- nothing is in flight after all
        return started
    end

    -- Returns how many started; a queue, or a team, whose records are damaged loses its turn, until it is touched again.
    function try_turn(claim, turn, want)
        local done, started = confined(turn.team, turn.queue, take_turn, claim, turn, want)
        if done then return started or 0 end
        if not confined(turn.team, '', leave_turns, turn.team, turn.queue) then call('ZREM', P .. 'turns', turn.team) end
        return 0
    end

    local function first_queues(team, most)
        return call('ZRANGE', P .. 'turns:' .. team, 0, most - 1, 'WITHSCORES')
    end

    -- The queues whose turn it is, in order: up to so many teams, and up to so many queues of each; and whether no team has a
    -- turn.
    function next_turns(most_teams, most_queues)
        local found, turns_of_teams = {}, call('ZRANGE', P .. 'turns', 0, most_teams - 1, 'WITHSCORES')
        for t = 1, #turns_of_teams, 2 do
            local read, rows = confined(turns_of_teams[t], '', first_queues, turns_of_teams[t], most_queues)
            rows = read and rows or {}
            if #rows == 0 then call('ZREM', P .. 'turns', turns_of_teams[t]) end
            for q = 1, #rows, 2 do
                found[#found + 1] = { team = turns_of_teams[t], team_at = tonumber(turns_of_teams[t + 1]), queue = rows[q],
                    queue_at = tonumber(rows[q + 1]) }
            end
        end
        return found, #turns_of_teams == 0
    end
end
