#!lua flags=allow-oom
-- Note how short of memory Redis is, until it is noted anew.
--
-- Given `level` (0 = there is room), `valid_ms` (for how long), now_ms.
-- Returns the level noted before, as far as it was still valid.

local now, level = moment(given.now_ms), tonumber(given.level)
local before = memory.shortage().level
if level == 0 then
    call('DEL', P .. 'memory')
else
    if level ~= before then call('HSET', P .. 'memory', 'since', now) end
    call('HSET', P .. 'memory', 'level', level, 'until', now + tonumber(given.valid_ms))
end
return before
