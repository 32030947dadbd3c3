-- Runs as a search looks at them, beside `looks.lua`.

-- What tells of the text of a run (JSON, or false) whether it may be what is looked for: it has a text, as `may_be` takes it, and
-- its list has at a place (from 0 on) a whole number within bounds; each may be nothing. Nothing if any run may be.
function looks.of_runs(text, place, least, most)
    if not text and not place then return nil end
    local before = place and '^%[' .. string.rep('[^,]*,', place) .. '(%d+),'
    least, most = tonumber(least or '') or -math.huge, tonumber(most or '') or math.huge
    return function(run)
        if not run or (text and not looks.may_be(run, nil, text)) then return false end
        local number = before and tonumber(string.match(run, before) or '') -- or it is written in another way
        return not number or (number >= least and number <= most)
    end
end
