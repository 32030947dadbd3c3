-- What comes to problems in one call, failures and successes after them: gathered, and counted once at its end.

do
    local AT_ONCE = 100 -- problems of a cron, the newest, that its success ends
    local QUARTER, QUARTERS = 900000, 96 -- ms, and of how many of them the failures are counted apart
    local QUIET_PROBLEM = 3600000 -- ms without a failure, after which a queue's has recovered
    local by_name, changed

    at_begin(function() by_name, changed = {}, {} end)

    local function about(team, id)
        return 'problem:' .. team .. ':' .. id
    end

    local function find(team, id, new)
        return id and problems.read(team, id) or problems.begin(team, id, new.owner, new.reason, new.target)
    end

    -- What is ignored without an end is so until it recovered and comes again: of a cron its success has resolved it; of a queue
    -- a retry went well, and nothing failed for a while.
    local function is_open_again(problem)
        if problem.state ~= 'ignored' then return problem.state == 'resolved' end
        if problem.ends then return problems.state_of(problem) == 'open' end
        return (problem.recovered or '') ~= '' and vouched() - problem.last > QUIET_PROBLEM
    end

    local function come(problem, ref, facts)
        if is_open_again(problem) then problems.set_state(problem, 'open') end
        problem.last = vouched()
        problem.came, problem.ref, problem.facts, problem.recovered, problem.well = problem.came + 1, ref, facts, '', 0
        changed[problem] = true
    end

    -- Count a failure of an owner, and what it is an example of: `j:<job>` or `e:<execution>`. Returns the id of its problem and
    -- whether that is ignored; nothing if it was cancelled. What is damaged of problems harms no job.
    function problems.note(team, owner, ref, result)
        local reason, target = result.reason or '', result.target or ''
        if reason == '' then return end
        local name = problems.name(owner, reason, target)
        local problem = by_name[team .. ':' .. name]
        if not problem then
            local is_read, id = confined(team, '', call, 'HGET', P .. 'problem_ids:' .. team, name)
            id = is_read and id or nil
            local new = { owner = owner, reason = reason, target = target }
            local _, found = confined(team, id and about(team, id) or '', find, team, id, new)
            if not found then return end
            problem, by_name[team .. ':' .. name] = found, found
        end
        if not confined(team, about(team, problem.id), come, problem, ref, result.facts or '') then return end
        return problem.id, problem.state == 'ignored'
    end

    -- It was seen to go well.
    function problems.note_success(problem)
        problem.recovered, changed[problem] = vouched(), true
    end

    local function note_recovery(team, id)
        local problem = problems.read(team, id)
        if problem then problems.note_success(problem) end
        return problem
    end

    -- A retry of a job of the problem went well.
    function problems.recover(team, id)
        if (id or '') ~= '' then confined(team, about(team, id), note_recovery, team, id) end
    end

    -- A cron that had failed went well: its problems are resolved, but for one that is ignored until a moment. Returns
    -- how the one that was seen last was ignored, as `problems.silence`, and its id.
    function problems.recover_cron(team, cron)
        local newest, silence
        for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':' .. CRON .. cron .. ':problems', -AT_ONCE, -1)) do
            local problem = note_recovery(team, id)
            local its = problem and problems.silence(problem)
            if problem and (not newest or problem.last > newest.last) then newest, silence = problem, its end
            if problem and problem.state ~= 'resolved' and its ~= 'until' then problems.set_state(problem, 'resolved') end
        end
        return silence, newest and newest.id
    end

    -- Counts of quarters that are over for a day go.
    local function sweep(record, quarter)
        local gone = {}
        for _, field in ipairs(call('HKEYS', record)) do
            local at = tonumber(string.match(field, '^at(%d+)$'))
            if at and (at <= quarter - QUARTERS or at > quarter) then gone[#gone + 1] = field end
        end
        if #gone > 0 then call('HDEL', record, unpack(gone)) end
    end

    local function post(problem)
        local record, now, came = P .. 'problem:' .. problem.team .. ':' .. problem.id, vouched(), problem.came
        if call('EXISTS', record) == 0 then return end -- it made room for another
        if came == 0 then return call('HSET', record, 'recovered', problem.recovered, 'well', problem.well) end
        local quarter = math.floor(now / QUARTER)
        if call('HINCRBY', record, 'at' .. quarter, came) == came then sweep(record, quarter) end
        call('HINCRBY', record, 'count', came)
        call('HSET', record, 'last', now, 'ref', problem.ref, 'facts', problem.facts, 'recovered', problem.recovered,
            'well', problem.well)
        call('ZADD', P .. 'x:' .. problem.team .. ':problems:' .. problem.state, now, problem.id)
    end

    function problems.post()
        for problem in pairs(changed) do confined(problem.team, about(problem.team, problem.id), post, problem) end
        by_name, changed = {}, {}
    end
end
