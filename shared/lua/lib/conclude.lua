-- The end of every script that writes: what was gathered is written, and the turns and the ledger follow.

local function conclude()
    end_entries()
    write_moves()
    write_indexes()
    refresh_touched()
    post_tallies()
    tell_events()
end
