-- The states of problems: what is ignored is so until a moment, or until it recovered.

do
    local LONGEST = 31622400000 -- ms, a year, for which one can be ignored

    -- Whether it may be ignored until a moment: `past` or `far` if not.
    function problems.refusal(ends)
        if ends and ends <= vouched() then return 'past' end
        return ends and ends > vouched() + LONGEST and 'far' or nil
    end

    -- Its state now: what is ignored until a moment that is past is open.
    function problems.state_of(problem)
        if problem.state ~= 'ignored' or not problem.ends then return problem.state end
        local is_over = problem.ends <= vouched() or problem.ends > vouched() + LONGEST + AHEAD
        return is_over and 'open' or 'ignored' -- so far ahead it is from before the clock was set back
    end

    -- How it is ignored: `until` a moment, or `recovers` for until it does; nothing if it is not.
    function problems.silence(problem)
        if problems.state_of(problem) ~= 'ignored' then return nil end
        return problem.ends and 'until' or 'recovers'
    end

    function problems.set_state(problem, state, ends)
        if problem.is_gone then return end -- it made room for another
        if (state == 'resolved') ~= (problem.state == 'resolved') then
            problems.watch(problem.team, problem.id, problem.owner, problem.target, state ~= 'resolved')
        end
        local lists = P .. 'x:' .. problem.team .. ':problems:'
        call('ZREM', lists .. problem.state, problem.id)
        call('ZADD', lists .. state, problem.last, problem.id)
        call('HSET', P .. 'problem:' .. problem.team .. ':' .. problem.id, 'state', state, 'until', ends or '')
        problem.state, problem.ends = state, ends
    end

    -- Let it be in a state, as somebody wants it; what is ignored is so until `ends` (ms), or until it recovered. Returns why it
    -- cannot be ignored until then, or nothing.
    function problems.change(problem, state, ends)
        local refusal = problems.refusal(ends)
        if refusal then return refusal end
        problems.set_state(problem, state, ends)
        if state == 'ignored' then -- it has to recover anew
            call('HSET', P .. 'problem:' .. problem.team .. ':' .. problem.id, 'recovered', '', 'well', 0)
        end
    end
end
