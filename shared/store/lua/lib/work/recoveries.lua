-- Problems of queues end by themselves: of a queue that has some, what goes well is counted by where it was sent.
--
-- `watched:<team>:<queue>` names its problems that are not resolved by their target, and the record of the queue says that there
-- are any. A claim reads that with the rest: only of such a queue a worker says what went well where.

do
    local ENOUGH, CALM = 10, 900000 -- as many went well since the last failure, and that was so long ago (ms)
    local by_target

    at_begin(function() by_target = {} end)

    local function queue_of(owner)
        return string.match(owner, '^' .. QUEUE .. '(%d+)$')
    end

    local function watched_at(team, queue)
        return P .. 'watched:' .. team .. ':' .. queue
    end

    local function set_watched(team, queue, id, target, is_watched)
        local watched, record, ids = watched_at(team, queue), P .. 'q:' .. team .. ':' .. queue, {}
        for other in string.gmatch(call('HGET', watched, target) or '', '%d+') do
            if other ~= id then ids[#ids + 1] = other end
        end
        if is_watched then ids[#ids + 1] = id end
        if #ids > 0 then call('HSET', watched, target, table.concat(ids, ' ')) else call('HDEL', watched, target) end
        if call('EXISTS', record) == 0 then return end -- it was deleted
        if call('EXISTS', watched) == 1 then call('HSET', record, 'watched', 1) else call('HDEL', record, 'watched') end
    end

    -- A problem is to be ended by what goes well, or is not any more. What was never sent, and crons, end otherwise.
    function problems.watch(team, id, owner, target, is_watched)
        local queue = queue_of(owner)
        if not queue or target == '' then return end
        confined(team, team .. ':' .. queue, function() set_watched(team, queue, id, target, is_watched) end)
    end

    -- Whether it is watched, as `mend_problems` wants to know.
    function problems.is_watched_right(team, id, fields)
        local queue = queue_of(fields.owner)
        if not queue or fields.target == '' then return true end
        local ids = ' ' .. (call('HGET', watched_at(team, queue), fields.target) or '') .. ' '
        local wanted, record = fields.state ~= 'resolved', P .. 'q:' .. team .. ':' .. queue
        if wanted ~= (string.find(ids, ' ' .. id .. ' ', 1, true) ~= nil) then return false end
        return not wanted or call('EXISTS', record) == 0 or call('HEXISTS', record, 'watched') == 1
    end

    -- Who wanted to hear no more of it until then hears that it is over.
    local function tell_recovery(team, queue, problem)
        local its = fields_of(P .. 'q:' .. team .. ':' .. queue, 'alerts', 'name', 'labels')
        if its.alerts ~= '1' then return end
        local was = fields_of(P .. 'problem:' .. team .. ':' .. problem.id, 'reason', 'ref', 'facts', 'first', 'count')
        alert(team, { type = 'recovery', kind = 'queue', of = queue, name = its.name, labels = its.labels, ref = was.ref,
            reason = was.reason, facts = was.facts, failures = was.count, since = was.first, problem = problem.id,
            was_quiet = true, is_announced = true })
    end

    local function go_well(team, queue, problem)
        problems.note_success(problem)
        problem.well = problem.well + 1
        if problem.well < ENOUGH or vouched() - problem.last < CALM or problem.state == 'resolved' then return end
        local silence = problems.silence(problem)
        if silence == 'until' then return end
        problems.set_state(problem, 'resolved')
        if silence then tell_recovery(team, queue, problem) end
    end

    -- Those that are watched there; one that is gone is so no more.
    local function watched_by(team, queue, target)
        local found = {}
        for id in string.gmatch(call('HGET', watched_at(team, queue), target) or '', '%d+') do
            local problem = problems.read(team, id)
            if problem then found[#found + 1] = problem else set_watched(team, queue, id, target, false) end
        end
        return found
    end

    local function count(team, queue, target)
        local name = table.concat({ team, queue, target }, '|')
        by_target[name] = by_target[name] or watched_by(team, queue, target)
        for _, problem in ipairs(by_target[name]) do
            if not problem.is_gone then go_well(team, queue, problem) end
        end
    end

    -- A job of a queue went well there.
    function problems.go_well(team, queue, target)
        confined(team, team .. ':' .. queue, count, team, queue, target)
    end
end
