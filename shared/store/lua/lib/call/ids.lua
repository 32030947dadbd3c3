-- Ids, counted in each team and for each noun. Where a count was lost it goes on from the highest id that is listed: an
-- id never comes again while what had it is there.

local next_id

do
    local LISTED_IN = { job = STATES.job, queue = { 'queues' }, cron = { 'crons:active', 'crons:paused' },
        replay = { 'replays' }, backfill = { 'backfills' }, bulk = { 'bulks' } }

    local function indexes_of_alerts()
        local found = {}
        for i, of in ipairs(ALERT_TYPES) do found[i] = 'alerts:' .. of end
        return found
    end

    -- Executions are listed by their crons alone.
    local function indexes_of_crons(team)
        local found = {}
        for _, index in ipairs(LISTED_IN.cron) do
            for _, cron in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':' .. index, 0, -1)) do
                for _, state in ipairs(STATES.execution) do found[#found + 1] = CRON .. cron .. ':' .. state end
            end
        end
        return found
    end

    local function listing(team, noun)
        if noun == 'execution' then return indexes_of_crons(team) end
        if noun == 'alert' then return indexes_of_alerts() end
        return LISTED_IN[noun] or {}
    end

    -- They are listed by when they were last seen.
    local function highest_problem(team)
        local highest = 0
        for _, id in ipairs(call('HVALS', P .. 'problem_ids:' .. team)) do highest = math.max(highest, tonumber(id) or 0) end
        return highest
    end

    local function highest_listed(team, noun)
        if noun == 'problem' then return highest_problem(team) end
        local highest = 0
        for _, index in ipairs(listing(team, noun)) do
            highest = math.max(highest, tonumber(call('ZRANGE', P .. 'x:' .. team .. ':' .. index, -1, -1)[1]) or 0)
        end
        return highest
    end

    -- The last of `count` (1) ids that nothing has had.
    function next_id(team, noun, count)
        count = count or 1
        local ids = P .. 'ids:' .. team
        local last = call('HINCRBY', ids, noun, count)
        if last > count then return last end
        local highest = highest_listed(team, noun)
        if highest == 0 then return last end -- the first ever
        note_damage('ids:' .. team, noun .. ' was lost; it goes on from ' .. highest)
        return call('HINCRBY', ids, noun, highest)
    end
end
