-- What a backfill leaves out: moments of its cron that ran before it, or may yet, noted before its first is made.

do
    local SURVEYED = { 'pending', 'processing', 'completed' }
    local MOST = 500 -- executions that one call looks at

    -- Of executions of a cron that wait, run or completed, those whose moments are in a range (ms): moment and id in turn; and
    -- where to go on, nothing if all were looked at. `place` is where the one before said, '' at first. It looks at all, in
    -- whatever order their moments are: many runs by hand may stand before fires that were caught up.
    function backfills.survey(team, cron, place, from, to)
        local number, after = string.match(place, '^(%d):(%d+)$')
        local found, left = {}, MOST
        number, after = tonumber(number or 1), after or '0'
        while SURVEYED[number] do
            local index = P .. 'x:' .. team .. ':c' .. cron .. ':' .. SURVEYED[number]
            local ids = call('ZRANGEBYSCORE', index, '(' .. after, '+inf', 'LIMIT', 0, left)
            for _, id in ipairs(ids) do
                local read, due = pcall(values_of, record_of(EXECUTION, team, id), 'due')
                local at = read and tonumber(due or '')
                if at and at >= from and at <= to then found[#found + 1], found[#found + 2] = at, id end
            end
            if #ids == left then return found, number .. ':' .. ids[#ids] end
            left, number, after = left - #ids, number + 1, '0'
        end
        return found
    end

    -- Note for a backfill which executions its moments may have had before it, the next part of them; whether that is all. What
    -- waits or runs is seen in one call, for it may go back and forth; nothing is made later that carries such a moment.
    function backfills.look_back(team, id, its)
        local place = its.seen or ''
        if place == '' and count_open(team, its.cron) >= MOST then return false end
        local found, after = backfills.survey(team, its.cron, place, tonumber(its.from), tonumber(its.to))
        call_in_parts(found, 'ZADD', P .. 'backfill_seen:' .. team .. ':' .. id)
        call('HSET', P .. 'backfill:' .. team .. ':' .. id, 'seen', after or 'all')
        return not after
    end

    -- Whether an execution of its cron that completed, or may yet, carries this moment (ms), by what it saw.
    function backfills.has_run(team, id, at)
        for _, execution in ipairs(call('ZRANGEBYSCORE', P .. 'backfill_seen:' .. team .. ':' .. id, at, at, 'LIMIT', 0, MOST)) do
            local read, state = pcall(values_of, record_of(EXECUTION, team, execution), 'state')
            if read and (state == 'completed' or state == 'pending' or state == 'processing') then return true end
        end
        return false
    end
end
