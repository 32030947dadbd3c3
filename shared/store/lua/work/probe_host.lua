#!lua flags=allow-oom
-- Whether a request may find out if a host is back that is busy for longer than the team leaves it alone.
--
-- Given `team`, `host`, `alone_ms` (for how long no other may then), now_ms.
-- Returns 0 if it may, or how long to wait (ms).

moment(given.now_ms)
local throttled, host, now = P .. 'throttled:' .. given.team, given.host, vouched()
local ends = tonumber(call('ZSCORE', throttled, host) or 0)
if ends > now then return ends - now end
if tonumber(call('ZSCORE', P .. 'retry_after:' .. given.team, host) or 0) > now then
    call('ZADD', throttled, now + tonumber(given.alone_ms), host)
end
return 0
