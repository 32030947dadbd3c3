-- What is stored and cannot be used, remembered and made harmless.
--
-- `damaged` remembers what was found: <name below the prefix> -> <ms> <what is wrong>. A key of a wrong type is put
-- aside under another name, so that it is as if it were lost, which all mending knows how to live with. A record that
-- an error was met in is left as it is, and nobody starts it until `recuro doctor --reconcile` has looked at it again.

local note_damage, is_damaged, mend_shard, mend_team, blame

do
    local MOST_DAMAGED, SAID_CHARACTERS = 1000, 300

    function is_damaged(name)
        return call('HEXISTS', P .. 'damaged', name) == 1
    end

    function note_damage(name, said)
        local known = redis.pcall('HLEN', P .. 'damaged')
        if type(known) == 'table' then return end
        if known >= MOST_DAMAGED and not is_damaged(name) then return end
        call('HSET', P .. 'damaged', name, string.format('%.0f ', moment()) .. string.sub(said, 1, SAID_CHARACTERS))
    end

    -- Put a key of a wrong type aside; true if it is of one. A team's settings stay: nothing is to be sent without its
    -- signature.
    local function put_aside(name)
        local wanted, found = TYPES[string.match(name, '^[a-z_]+')], call('TYPE', P .. name).ok
        if found == 'none' or found == wanted then return false end
        if string.sub(name, 1, 2) ~= 't:' then call('RENAME', P .. name, P .. 'aside:' .. name) end
        note_damage(name, 'it is a ' .. found .. ' and should be a ' .. wanted)
        return true
    end

    -- Those of so many keys that it was to be done to.
    local function put_all_aside(names, part)
        local found = {}
        for _, name in ipairs(names) do
            local whole = part and string.gsub(name, '#', part) or name
            if put_aside(whole) then found[#found + 1] = whole end
        end
        return found
    end

    local function put_indexes_aside(base, names, found)
        for _, name in ipairs(names) do
            if put_aside(base .. name) then found[#found + 1] = base .. name end
        end
    end

    local function put_owner_aside(keys, states, team, kind, id)
        local found, base = put_all_aside(keys, team .. ':' .. id), 'x:' .. team .. ':' .. kind .. id .. ':'
        put_indexes_aside(base, states, found)
        put_indexes_aside(base, { 'alerts', 'backfilled', 'problems' }, found)
        return #found
    end

    local function put_queue_aside(team, id) return put_owner_aside(KEYS_OF.queue, STATES.job, team, QUEUE, id) end
    local function put_cron_aside(team, id) return put_owner_aside(KEYS_OF.cron, STATES.execution, team, CRON, id) end

    -- Of a record (`j:5` of a team), all that belongs to it and to whom it belongs.
    local function put_record_aside(team, kind, id)
        local name = kind .. ':' .. team .. ':' .. id
        local found = #put_all_aside({ name, 'b:' .. team .. ':' .. id, 'r:' .. team .. ':' .. kind .. id })
        local of = fields_of(P .. name, 'queue', 'cron')
        if of.queue then found = found + put_queue_aside(team, of.queue) end
        if of.cron then found = found + put_cron_aside(team, of.cron) end
        return found
    end

    -- Counts that are no numbers go: what is lost is counted anew.
    local function keep_numbers(name, found)
        local counts = call('HGETALL', P .. name)
        for f = 1, #counts, 2 do
            if not string.match(counts[f + 1], '^-?%d+$') then
                call('HDEL', P .. name, counts[f])
                note_damage(name, counts[f] .. ' was no number')
                found[#found + 1] = name
            end
        end
    end

    function mend_shard()
        return put_all_aside(KEYS_OF.shard)
    end

    function mend_team(team)
        local found = put_all_aside(KEYS_OF.team, team)
        put_indexes_aside('x:' .. team .. ':', STATES.job, found)
        put_indexes_aside('x:' .. team .. ':alerts:', ALERT_TYPES, found)
        put_indexes_aside('x:' .. team .. ':problems:', STATES.problem, found)
        keep_numbers('ids:' .. team, found)
        keep_numbers('ledger:' .. team, found)
        return found
    end

    -- Find out what an error was about, and see to it that it does not come again.
    function blame(team, about, said)
        local found = #mend_shard()
        if team ~= '' then found = found + #mend_team(team) end
        local kind, id = string.match(about, '^(%l+):(%d+)$')
        local queue = string.match(about, '^%d+:(.+)$')
        if queue then kind, id = QUEUE, queue end
        if kind == QUEUE then
            found = found + put_queue_aside(team, id)
        elseif kind == CRON then
            found = found + put_cron_aside(team, id)
        elseif kind == 'backfill' or kind == 'bulk' then
            found = found + #put_all_aside(KEYS_OF[kind], team .. ':' .. id)
        elseif kind then
            found = found + put_record_aside(team, kind, id)
        end
        if found > 0 then return end
        local problem = string.match(about, '^problem:.+')
        if problem then redis.pcall('RENAME', P .. problem, P .. 'aside:' .. problem) end -- it only reports, and is begun anew
        note_damage(problem or kind and kind .. ':' .. team .. ':' .. id or team == '' and 'shard' or 'team:' .. team, said)
    end
end
