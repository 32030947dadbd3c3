#!lua
-- A process says that it lives, and those that have not for too long are given up.
--
-- KEYS  prefix    ARGV  service:host:pid, for how long that holds (ms), now ('' = server)
-- Returns nothing.

local live, now = P .. 'live', moment(ARGV[3])
local latest = now + tonumber(ARGV[2])
call('ZADD', live, latest, ARGV[1])
call('ZREMRANGEBYSCORE', live, '-inf', now)
call('ZREMRANGEBYSCORE', live, '(' .. latest, '+inf') -- from before the clock was set back
