-- Runs as a search looks at them, beside `looks.lua`.

-- What tells of the text of a run (JSON, or false) whether it may be what is looked for, where a finder found it or there is none: its
-- list has at a place (from 0 on) a whole number within bounds; each may be nothing. Nothing if any run may be.
function looks.of_runs(finds, place, least, most)
    if not finds and not place then return nil end
    local before = place and '^%[' .. string.rep('[^,]*,', place) .. '(%d+),'
    least, most = tonumber(least or '') or -math.huge, tonumber(most or '') or math.huge
    return function(run)
        if not run then return false end
        local number = before and tonumber(string.match(run, before) or '') -- or it is written in another way
        return not number or (number >= least and number <= most)
    end
end
