-- What a call changes in indexes and streams and has to notify of, gathered and written once at its end: a batch of
-- jobs costs one call an index, not one call a job.

local change_index, end_entry, event, call_in_parts, write_indexes, end_entries, tell_events

do
    local MOST = 500 -- arguments of one call; even, for they may be pairs

    local BYTE_OF_NOTICE = 110 -- of its letter: while the library is loaded there is no `string`
    local index_changes, ended, notified, last_notified

    at_begin(function() index_changes, ended, notified, last_notified = {}, {}, {}, {} end)

    local function group_of(groups, key)
        local group = groups[key]
        if not group then
            group = {}
            groups[key] = group
        end
        return group
    end

    function change_index(index, id, is_in)
        group_of(index_changes, index)[tostring(id)] = is_in
    end

    -- The entry is done with: acknowledged and deleted together, so that a stream's length is waiting + in flight.
    function end_entry(stream, entry)
        local entries = group_of(ended, stream)
        entries[#entries + 1] = entry
    end

    -- Notices are nobody's to list: they have no index, no column in the ledger and no events.
    function event(name, team, ref)
        if string.byte(ref) == BYTE_OF_NOTICE then return end
        if last_notified.name ~= name or last_notified.team ~= team then
            last_notified = { name = name, team = team, refs = group_of(group_of(notified, name), team) }
        end
        last_notified.refs[#last_notified.refs + 1] = ref
    end

    function call_in_parts(arguments, command, ...)
        for first = 1, #arguments, MOST do
            local part = { ... }
            for i = first, math.min(first + MOST - 1, #arguments) do part[#part + 1] = arguments[i] end
            call(command, unpack(part))
        end
    end

    local function write_index(index, changes)
        local gone, come = {}, {}
        for id, is_in in pairs(changes) do
            if is_in then
                come[#come + 1] = id
                come[#come + 1] = id
            else
                gone[#gone + 1] = id
            end
        end
        call_in_parts(gone, 'ZREM', index)
        call_in_parts(come, 'ZADD', index)
    end

    -- The team of an index or stream, by its whole name.
    local function team_in(key)
        return string.match(key, ':(%d+):') or ''
    end

    function write_indexes()
        for index, changes in pairs(index_changes) do confined(team_in(index), '', write_index, index, changes) end
        index_changes = {}
    end

    local function end_in(stream, entries)
        call_in_parts(entries, 'XACK', stream, 'workers')
        call_in_parts(entries, 'XDEL', stream)
    end

    function end_entries()
        for stream, entries in pairs(ended) do
            confined(team_in(stream), string.match(stream, '(%d+:%d+)$') or '', end_in, stream, entries)
        end
        ended = {}
    end

    function tell_events()
        for name, teams in pairs(notified) do
            for team, refs in pairs(teams) do
                call('XADD', P .. 'events', 'MAXLEN', '~', '10000', '*', 'v', '1', 'name', name, 'team', team, 'refs',
                    table.concat(refs, ','))
            end
        end
        notified, last_notified = {}, {}
    end
end
