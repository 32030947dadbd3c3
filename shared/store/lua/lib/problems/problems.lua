-- Problems: failures of a queue or cron that are alike, counted in the call that records them.
--
-- Alike are those of one owner (`q<queue>` or `c<cron>`) with the same reason and status, and the same target as the worker says
-- it: host, and path without ids. A call that ends a hundred of them looks and counts once.

local problems = {}

do
    local MOST = 1000 -- of a team
    local by_id

    at_begin(function() by_id = {} end)

    local function problem_at(team, id)
        return P .. 'problem:' .. team .. ':' .. id
    end

    local function list_of(team, state)
        return P .. 'x:' .. team .. ':problems:' .. state
    end

    local function keep(problem)
        by_id[problem.team .. ':' .. problem.id] = problem
        return problem
    end

    local function dead_letters_of(team, id)
        return P .. 'x:' .. team .. ':p' .. id .. ':dead'
    end

    -- A job of the problem, if it has one, becomes a dead letter, or is none any more.
    function problems.dead(team, id, job, is_dead)
        if (id or '') ~= '' then change_index(dead_letters_of(team, id), job, is_dead) end
    end

    function problems.has_dead(team, id, job)
        return call('ZSCORE', dead_letters_of(team, id), job) ~= false
    end

    function problems.name(owner, reason, target)
        return table.concat({ owner, reason, target }, '|')
    end

    function problems.remove(team, id)
        local fields, names = fields_of(problem_at(team, id), 'owner', 'reason', 'target'), P .. 'problem_ids:' .. team
        for _, state in ipairs(STATES.problem) do call('ZREM', list_of(team, state), id) end
        call('UNLINK', problem_at(team, id), dead_letters_of(team, id))
        if by_id[team .. ':' .. id] then by_id[team .. ':' .. id].is_gone, by_id[team .. ':' .. id] = true, nil end
        if not (fields.owner and fields.reason and fields.target) then return end
        call('ZREM', P .. 'x:' .. team .. ':' .. fields.owner .. ':problems', id)
        problems.watch(team, id, fields.owner, fields.target, false)
        local name = problems.name(fields.owner, fields.reason, fields.target)
        if call('HGET', names, name) == id then call('HDEL', names, name) end
    end

    local function make_room(team)
        local count, oldest = 0, nil
        for _, state in ipairs(STATES.problem) do
            count = count + call('ZCARD', list_of(team, state))
            oldest = oldest or call('ZRANGE', list_of(team, state), 0, 0)[1]
        end
        if count >= MOST then problems.remove(team, oldest) end
    end

    -- Everything that lists a problem, as its record says.
    function problems.list(team, id, fields)
        for _, state in ipairs(STATES.problem) do
            if state ~= fields.state then call('ZREM', list_of(team, state), id) end
        end
        call('ZADD', list_of(team, fields.state), fields.last, id)
        call('ZADD', P .. 'x:' .. team .. ':' .. fields.owner .. ':problems', id, id)
        problems.watch(team, id, fields.owner, fields.target, fields.state ~= 'resolved')
        call('HSET', P .. 'problem_ids:' .. team, problems.name(fields.owner, fields.reason, fields.target), id)
    end

    -- The record of an id that is lost is made anew.
    function problems.begin(team, id, owner, reason, target)
        make_room(team)
        id = id or tostring(next_id(team, 'problem'))
        local now = vouched()
        call('HSET', problem_at(team, id), 'v', 1, 'state', 'open', 'until', '', 'owner', owner, 'reason', reason,
            'target', target, 'first', now, 'last', now, 'count', 0)
        problems.list(team, id, { state = 'open', last = now, owner = owner, reason = reason, target = target })
        return keep({ team = team, id = id, owner = owner, reason = reason, target = target, state = 'open', last = now, came = 0, well = 0 })
    end

    -- A problem by its id, once a call; nothing if it is not there.
    function problems.read(team, id)
        local known = by_id[team .. ':' .. id]
        if known then return known end
        local fields = fields_of(problem_at(team, id), 'state', 'until', 'owner', 'last', 'recovered', 'reason', 'target', 'well')
        if not fields.state then return nil end
        return keep({ team = team, id = id, owner = fields.owner, state = fields.state, came = 0, recovered = fields.recovered,
            last = tonumber(fields.last) or 0, ends = tonumber(fields['until'] or ''), reason = fields.reason,
            target = fields.target, well = tonumber(fields.well or '') or 0 })
    end
end
