-- The end of every script that writes: what was gathered is written, and the turns and the ledger follow.

local conclude

do
    local function post_tally(team, fields)
        for field, by in pairs(fields) do
            if by ~= 0 then call('HINCRBY', P .. 'ledger:' .. team, field, by) end
        end
    end

    local function post_tallies()
        for team, fields in pairs(tallies) do confined(team, '', post_tally, team, fields) end
        tallies = {}
    end

    function conclude()
        end_entries()
        write_moves()
        write_indexes()
        strips.post()
        figures.post()
        problems.post()
        refresh_touched()
        post_tallies()
        confined('', '', tell_events)
    end
end
