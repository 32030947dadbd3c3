#!lua flags=allow-oom
-- Pack figures of minutes that are over; add those that are too old to those of ten minutes, these to those of hours, put these into
-- days, and delete the oldest.
--
-- Given `limit` (of figures), now_ms.
-- Returns how many periods were packed, or went, or had a part of them packed or added up.

local now, left, gone = math.min(moment(given.now_ms), vouched()), tonumber(given.limit), 0

-- Whether a period went as a whole; otherwise it is looked at again.
local function roll(team, number, at)
    local period, longer = figures.PERIODS[number], figures.PERIODS[number + 1]
    local name, over_at = figures.period(team, period, at)
    local key, is_over, owners, fields, is_whole = P .. 'figures:' .. name, over_at <= now, {}, {}, true
    if is_over and not longer then
        left = left - 1
        return call('UNLINK', key) -- of a day many texts
    end
    local rows = call('HGETALL', key)
    for i = 1, #rows, 2 do
        if is_over or not figures.is_packed(rows[i]) then
            if left <= 0 then
                is_whole = false
                break
            end
            left = left - figures.gather(owners, rows[i], rows[i + 1])
            fields[#fields + 1] = rows[i]
        end
    end
    if next(owners) then figures.pack(team, is_over and longer or period, at, owners) end
    if #fields > 0 then call('HDEL', key, unpack(fields)) end
    if not is_over then call('ZADD', P .. 'figures_until', is_whole and over_at or now, name) end
    return is_over and is_whole
end

for _, name in ipairs(call('ZRANGEBYSCORE', P .. 'figures_until', '-inf', now, 'LIMIT', 0, 100)) do
    if left <= 0 then return gone end
    local team, letter, at = string.match(name, '^(%d+):(%a)(%d+)$')
    local is_known = false
    for number, period in ipairs(figures.PERIODS) do
        if letter == period[1] then
            is_known = true
            local is_sound, went = confined(team, '', roll, team, number, tonumber(at))
            if not is_sound or went then call('ZREM', P .. 'figures_until', name) end
        end
    end
    if is_known then
        gone = gone + 1
    else
        call('ZADD', P .. 'figures_until', now + 86400000, name) -- of a newer version, which may come back
    end
end
return gone
