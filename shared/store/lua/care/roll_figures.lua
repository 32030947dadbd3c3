#!lua flags=allow-oom
-- Add figures of minutes that are too old to those of ten minutes, these to those of hours, and delete the oldest.
--
-- Given `limit` (fields), now_ms.
-- Returns how many periods went.

local now, left, gone = math.min(moment(given.now_ms), vouched()), tonumber(given.limit), 0

local function roll(team, number, at)
    local longer, sums = figures.PERIODS[number + 1], {}
    local name = figures.period(team, figures.PERIODS[number], at)
    local key = P .. 'figures:' .. name
    local rows = call('HGETALL', key)
    left = left - #rows / 2
    for i = 1, #rows, 2 do sums[rows[i]] = tonumber(rows[i + 1]) end
    if longer and next(sums) then figures.add(team, longer, at, sums) end
    call('DEL', key)
end

for _, name in ipairs(call('ZRANGEBYSCORE', P .. 'figures_until', '-inf', now, 'LIMIT', 0, 100)) do
    if left <= 0 then break end
    local team, letter, at = string.match(name, '^(%d+):(%a)(%d+)$')
    for number, period in ipairs(figures.PERIODS) do
        if letter == period[1] then confined(team, '', roll, team, number, tonumber(at)) end
    end
    call('ZREM', P .. 'figures_until', name)
    gone = gone + 1
end
return gone
