#!lua flags=allow-oom
-- Count calls and runs of a token in windows of an hour and of a day, or none of them if one of its windows has no room for them.
--
-- Given `digest`, `calls`, `runs` (how many; below 0 are given back, of windows that last since now_ms), `calls_per_hour`,
-- `calls_per_day`, `runs_per_hour`, `runs_per_day` (nothing: any number); now_ms.
-- Returns the name of the window that has no room, which is over last, or ''; and per window with a limit: its name, its limit, what
-- is left of that, and ms until it is over.

local HOUR, DAY = 3600000, 86400000
local use, now, full, rows = P .. 'use:' .. given.digest, moment(given.now_ms), '', {}
local windows = {
    { name = 'calls-hour', most = tonumber(given.calls_per_hour), by = tonumber(given.calls) or 0, length = HOUR },
    { name = 'runs-hour', most = tonumber(given.runs_per_hour), by = tonumber(given.runs) or 0, length = HOUR },
    { name = 'calls-day', most = tonumber(given.calls_per_day), by = tonumber(given.calls) or 0, length = DAY },
    { name = 'runs-day', most = tonumber(given.runs_per_day), by = tonumber(given.runs) or 0, length = DAY },
}

-- What is counted of it, and whether what comes now fits too.
local function has_room(window)
    window.ends = now - now % window.length + window.length
    local known = fields_of(use, 'count:' .. window.name, 'until:' .. window.name)
    window.has_begun = tonumber(known['until:' .. window.name]) == window.ends
    window.count = window.has_begun and tonumber(known['count:' .. window.name]) or 0
    return not window.most or window.by == 0 or window.count + window.by <= window.most
end

for _, window in ipairs(windows) do
    if not has_room(window) then full = window.name end
end
local counts = full == '' and call('EXISTS', P .. 'token:' .. given.digest) == 1
local is_over = full == '' and not counts -- it ended, and a process remembers it for some seconds
for _, window in ipairs(windows) do
    if window.most then
        if counts and (window.by > 0 or window.by < 0 and window.has_begun) then
            window.count = math.max(0, window.count + window.by)
            call('HSET', use, 'count:' .. window.name, window.count, 'until:' .. window.name, window.ends)
        end
        if is_over then full = window.name end
        rows[#rows + 1] = { window.name, window.most, math.max(0, window.most - window.count), window.ends - now }
    end
end
return { full, rows }
