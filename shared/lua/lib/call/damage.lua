-- What is stored and cannot be used: an error that one record is to blame for is its own, and not its neighbours'.
--
-- `damaged` remembers what was found: <name below the prefix> -> <ms> <what is wrong>. A key of a wrong type is put
-- aside under another name, so that it is as if it were lost, which all mending knows how to live with. A record that
-- an error was met in is left as it is, and nobody starts it until `recuro doctor --audit` has looked at it again.

local note_damage, is_damaged, mend_shard, mend_team, take_damage, confined

do
    local MOST_DAMAGED, SAID_CHARACTERS = 1000, 300
    local TYPES = { j = 'hash', b = 'string', r = 'string', q = 'hash', c = 'hash', e = 'hash', log = 'list',
        n = 'hash', a = 'hash', g = 'hash', s = 'stream', f = 'stream', names = 'hash', ids = 'hash', ledger = 'hash', t = 'hash',
        x = 'zset', replay = 'hash', replay_ids = 'list', i = 'string', held = 'zset', busy = 'zset', starts = 'zset',
        sent = 'zset', turns = 'zset', virtual_time = 'hash', teams = 'set', trusted_until = 'string', correction = 'string', cancels = 'stream',
        in_flight = 'set', due = 'zset', live = 'zset', troubles = 'hash',
        crons = 'zset', doomed = 'set', bell = 'stream', clock = 'stream', quarantine = 'stream', events = 'stream',
        replays = 'set', damaged = 'hash', fading = 'zset', memory = 'hash', zones = 'hash', clocks = 'hash',
        doubtful = 'zset', retention_waits = 'hash', retired_at = 'string', watchdog = 'hash', stopped = 'string' }
    local SINGLE = { 'damaged', 'turns', 'virtual_time', 'teams', 'trusted_until', 'correction', 'cancels', 'in_flight',
        'due', 'crons', 'live', 'troubles',
        'doomed', 'bell', 'clock', 'quarantine', 'events', 'replays', 'fading', 'memory', 'zones', 'clocks', 'doubtful',
        'retention_waits', 'retired_at', 'watchdog' }
    local OF_TEAM = { 'names:#', 'ids:#', 'ledger:#', 't:#', 'held:#', 'busy:#', 'turns:#', 'x:#:queues',
        'x:#:replays', 'x:#:crons:active', 'x:#:crons:paused', 'x:#:alerts:warning', 'x:#:alerts:failure', 'x:#:alerts:recovery',
        'x:#:alerts:limit_warning', 'x:#:alerts:storage_warning', 'x:#:pending', 'x:#:processing', 'x:#:completed', 'x:#:failed', 'x:#:retrying',
        'x:#:dead_lettered', 's:#:crons', 'f:#:crons', 's:#:outbox', 'f:#:outbox', 's:#:alerts', 'f:#:alerts' }
    local OF_QUEUE = { 'q:#', 's:#', 'f:#', 'starts:#', 'sent:#' }
    local OF_CRON = { 'c:#', 'log:#' }
    local STATES = { 'pending', 'processing', 'completed', 'failed', 'retrying', 'dead_lettered', 'skipped', 'alerts' }

    -- Errors of the server, and not of what is stored: they would come whatever was touched.
    local OF_SERVER = { '^ERR The user executing the script', '^ERR Unknown Redis command', '^ERR This Redis command',
        -- as Valkey says it
        '^ERR ACL failure in script', '^ERR Unknown command called from script', '^ERR This Valkey command' }

    local function is_of_data(said)
        local code = string.match(said, '^%u%u%u+')
        if code and code ~= 'ERR' and code ~= 'WRONGTYPE' and code ~= 'NOGROUP' then return false end
        for _, pattern in ipairs(OF_SERVER) do
            if string.find(said, pattern) then return false end
        end
        return true
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

    local function put_all_aside(names, part)
        local found = {}
        for _, name in ipairs(names) do
            local whole = part and string.gsub(name, '#', part) or name
            if put_aside(whole) then found[#found + 1] = whole end
        end
        return found
    end

    local function put_owner_aside(names, team, owner)
        local found = #put_all_aside(names, team .. ':' .. string.sub(owner, 2))
        for _, state in ipairs(STATES) do
            if put_aside('x:' .. team .. ':' .. owner .. ':' .. state) then found = found + 1 end
        end
        return found
    end

    -- Of a record (`j:5` of a team), all that belongs to it and to whom it belongs.
    local function put_record_aside(team, kind, id)
        local name = kind .. ':' .. team .. ':' .. id
        local found = #put_all_aside({ name, 'b:' .. team .. ':' .. id, 'r:' .. team .. ':' .. kind .. id })
        local of = fields_of(P .. name, 'queue', 'cron')
        if of.queue then found = found + put_owner_aside(OF_QUEUE, team, 'q' .. of.queue) end
        if of.cron then found = found + put_owner_aside(OF_CRON, team, 'c' .. of.cron) end
        return found
    end

    -- Counts that are no numbers go: what is lost is counted anew.
    local function keep_numbers(name, found)
        local fields = call('HGETALL', P .. name)
        for f = 1, #fields, 2 do
            if not string.match(fields[f + 1], '^-?%d+$') then
                call('HDEL', P .. name, fields[f])
                note_damage(name, fields[f] .. ' was no number')
                found[#found + 1] = name
            end
        end
    end

    function mend_shard()
        return put_all_aside(SINGLE)
    end

    function mend_team(team)
        local found = put_all_aside(OF_TEAM, team)
        keep_numbers('ids:' .. team, found)
        keep_numbers('ledger:' .. team, found)
        return found
    end

    -- Find out what an error was about, and see to it that it does not come again.
    local function blame(team, about, said)
        local found = #put_all_aside(SINGLE)
        if team ~= '' then found = found + #mend_team(team) end
        local kind, id = string.match(about, '^(%a):(%d+)$')
        local queue = string.match(about, '^%d+:(.+)$')
        if queue then
            found = found + put_owner_aside(OF_QUEUE, team, 'q' .. queue)
        elseif kind == 'c' then
            found = found + put_owner_aside(OF_CRON, team, 'c' .. id)
        elseif kind then
            found = found + put_record_aside(team, kind, id)
        end
        if found > 0 then return end
        if queue then kind, id = 'q', queue end
        note_damage(kind and kind .. ':' .. team .. ':' .. id or team == '' and 'shard' or 'team:' .. team, said)
    end

    -- What `pcall` caught: if what is stored is to blame it is seen to, any other error is raised.
    function take_damage(team, about, caught)
        local said = type(caught) == 'table' and caught.err or tostring(caught)
        if not is_of_data(said) then error(caught, 0) end
        blame(team, about, said)
    end

    function is_damaged(name)
        return call('HEXISTS', P .. 'damaged', name) == 1
    end

    -- Do `work` of a team about `about`: a record (`j:5`, `c:7`), a queue (`1:3`), or '' for what it shares. True and
    -- what it returns; false if what is stored there is damaged, which is remembered. Other errors are raised.
    function confined(team, about, work, ...)
        local done, first, second, third = pcall(work, ...)
        if done then return true, first, second, third end
        take_damage(team, about, first)
        return false
    end
end
