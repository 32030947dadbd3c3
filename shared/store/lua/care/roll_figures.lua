#!lua flags=allow-oom
-- Add figures of minutes that are too old to those of ten minutes, these to those of hours, put these into days, and delete the oldest.
--
-- Given `limit` (of figures), now_ms.
-- Returns how many periods went, or had a part of them added up.

local now, left, gone = math.min(moment(given.now_ms), vouched()), tonumber(given.limit), 0

-- Whether a period went as a whole; otherwise it keeps what was not added up yet.
local function roll(team, number, at)
    local period, longer = figures.PERIODS[number], figures.PERIODS[number + 1]
    local key, owners, fields = P .. 'figures:' .. figures.period(team, period, at), {}, {}
    local rows = call('HGETALL', key)
    for i = 1, #rows, 2 do
        if left <= 0 then break end
        left = left - (longer and figures.gather(owners, rows[i], rows[i + 1]) or 1)
        fields[#fields + 1] = rows[i]
    end
    if next(owners) then figures.pack(team, longer, at, owners) end
    if #fields > 0 then call('HDEL', key, unpack(fields)) end
    return 2 * #fields == #rows
end

for _, name in ipairs(call('ZRANGEBYSCORE', P .. 'figures_until', '-inf', now, 'LIMIT', 0, 100)) do
    if left <= 0 then return gone end
    local team, letter, at = string.match(name, '^(%d+):(%a)(%d+)$')
    for number, period in ipairs(figures.PERIODS) do
        if letter == period[1] then
            local is_sound, went = confined(team, '', roll, team, number, tonumber(at))
            if not is_sound or went then call('ZREM', P .. 'figures_until', name) end
        end
    end
    gone = gone + 1
end
return gone
