#!lua flags=allow-oom
-- A process says that it lives, and those that have not for too long are given up.
--
-- KEYS  prefix    ARGV  service:host:pid, for how long that holds (ms), now ('' = server), what it cannot go on with
-- Returns nothing.

local live, troubles, now = P .. 'live', P .. 'troubles', moment(ARGV[3])
local latest = now + tonumber(ARGV[2])
call('ZADD', live, latest, ARGV[1])
call('ZREMRANGEBYSCORE', live, '-inf', math.min(now, vouched()))
call('ZREMRANGEBYSCORE', live, '(' .. latest, '+inf') -- from before the clock was set back
if ARGV[4] ~= '' then call('HSET', troubles, ARGV[1], ARGV[4]) else call('HDEL', troubles, ARGV[1]) end
for _, member in ipairs(call('HKEYS', troubles)) do
    if not call('ZSCORE', live, member) then call('HDEL', troubles, member) end
end
