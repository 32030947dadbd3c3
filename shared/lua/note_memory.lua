#!lua flags=allow-oom
-- Note how short of memory Redis is, until it is noted anew.
--
-- KEYS  prefix    ARGV  now ('' = server), level (0 = there is room), for how long (ms)
-- Returns the level noted before, as far as it still held.

local now, level = moment(ARGV[1]), tonumber(ARGV[2])
local before = memory.shortage().level
if level == 0 then
    call('DEL', P .. 'memory')
else
    if level ~= before then call('HSET', P .. 'memory', 'since', now) end
    call('HSET', P .. 'memory', 'level', level, 'until', now + tonumber(ARGV[3]))
end
return before
