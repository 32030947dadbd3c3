#!lua flags=allow-oom
-- Vouch for the clock: by the present, and some seconds beyond it, things may start, end and be forgotten.
--
-- Given `judged_ms` (now), the scheduler that judged it, `ahead_ms` (its own clock, of that).
-- Returns 1, or 0 if the clock has jumped since.

local LONG_GONE = 3600000 -- ms
local now, judged, clocks = moment(), tonumber(given.judged_ms), P .. 'clocks'
if math.abs(now - judged) > SLACK then return 0 end
call('SET', P .. 'trusted_until', judged + AHEAD)
call('UNLINK', P .. 'doubtful') -- it was right after all
local known = call('HGETALL', clocks)
for i = 1, #known, 2 do
    if math.abs(now - tonumber(string.match(known[i + 1], '^%d+') or 0)) > LONG_GONE then call('HDEL', clocks, known[i]) end
end
call('HSET', clocks, given.scheduler, now .. ' ' .. given.ahead_ms)
return 1
