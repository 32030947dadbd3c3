-- What waits for its moment, in `due`; and who is woken when there is something to do.

local ring, ring_on, tell_clock, due_member, note_doubt, wait_until

do
    local MOST_DOUBTFUL = 100000

    -- Wake one idle worker.
    function ring()
        call('XADD', P .. 'bell', 'MAXLEN', 1, '*', RING, 1)
    end

    -- Another idle worker may take the rest.
    function ring_on()
        if call('EXISTS', P .. 'turns') == 1 then ring() end
    end

    -- The schedulers sleep until the next due moment: they are woken when there is an earlier one.
    function tell_clock(what)
        call('XADD', P .. 'clock', 'MAXLEN', '~', 100, '*', 'changed', what)
    end

    function due_member(kind, team, id)
        return string.format('%s:%s:%014d', kind, team, id) -- padded: jobs due at once go in the order of their ids
    end

    -- What is computed from a present that nobody vouches for is remembered by that, for schedulers that find it wrong.
    function note_doubt(kind, team, id)
        if vouched() == moment() or call('ZCARD', P .. 'doubtful') >= MOST_DOUBTFUL then return end
        call('ZADD', P .. 'doubtful', 'NX', moment(), due_member(kind, team, id))
    end

    function wait_until(kind, team, id, due)
        local member = due_member(kind, team, id)
        if NOUN[kind] then note_doubt(kind, team, id) end -- it is to start then
        local changed = call('ZADD', P .. 'due', 'CH', due, member) == 1
        if changed and call('ZRANK', P .. 'due', member) == 0 then tell_clock(member) end
    end
end
