-- Problems as callers are given them.

do
    local are_there

    at_begin(function() are_there = {} end)

    -- What a caller is given as the problem of a record: nothing of one that made room for another, or is gone otherwise.
    function problems.link(team, id)
        if id == '' then return '' end
        local name = team .. ':' .. id
        if are_there[name] == nil then are_there[name] = call('EXISTS', P .. 'problem:' .. name) == 1 end
        return are_there[name] and id or ''
    end

    -- As `read_problems` returns it; nothing if it is not there.
    function problems.row(team, id)
        local problem = problems.read(team, id)
        if not problem then return nil end
        local kind, of = string.match(problem.owner, '^(%a)(%d+)$')
        local owner = kind == QUEUE and P .. 'q:' .. team .. ':' .. of or P .. 'c:' .. team .. ':' .. of
        local dead = redis.pcall('ZCARD', P .. 'x:' .. team .. ':p' .. id .. ':dead') -- or it is damaged, until its lists are mended
        return { id, call('HGETALL', P .. 'problem:' .. team .. ':' .. id), problems.state_of(problem), type(dead) == 'number' and dead or 0,
            string.format('%.0f', vouched()), call('HGET', owner, 'name') }
    end
end
