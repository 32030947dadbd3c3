#!lua flags=allow-oom
-- Whether a request may find out if a host is back that is busy for longer than the team leaves it alone.
--
-- KEYS  prefix    ARGV  team, host, for how long no other may then (ms), now ('' = server)
-- Returns 0 if it may, or how long to wait (ms).

moment(ARGV[4])
local held, now = P .. 'held:' .. ARGV[1], vouched()
local ends = tonumber(call('ZSCORE', held, ARGV[2]) or 0)
if ends > now then return ends - now end
if tonumber(call('ZSCORE', P .. 'busy:' .. ARGV[1], ARGV[2]) or 0) > now then
    call('ZADD', held, now + tonumber(ARGV[3]), ARGV[2])
end
return 0
