#!lua flags=allow-oom
-- A process says that it lives, and those that have not for too long are given up.
--
-- Given `member` (service:host:pid), `valid_ms` (for how long), `trouble` (what it cannot go on with), now_ms.
-- Returns nothing.

local live, troubles, now = P .. 'live', P .. 'troubles', moment(given.now_ms)
local latest = now + tonumber(given.valid_ms)
call('ZADD', live, latest, given.member)
call('ZREMRANGEBYSCORE', live, '-inf', math.min(now, vouched()))
-- Signs that were given before the clock was set back hold no longer than one that is given now.
for _, member in ipairs(call('ZRANGEBYSCORE', live, '(' .. latest, '+inf')) do call('ZADD', live, latest, member) end
if given.trouble then
    call('HSET', troubles, given.member, given.trouble)
else
    call('HDEL', troubles, given.member)
end
for _, member in ipairs(call('HKEYS', troubles)) do
    if not call('ZSCORE', live, member) then call('HDEL', troubles, member) end
end
