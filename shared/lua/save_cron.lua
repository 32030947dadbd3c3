-- Make a cron, or change one that is still as it was read.
--
-- KEYS  prefix    ARGV  team, now ('' = server), id ('' = new), version, what was asked (JSON), is_active (0|1),
--                       next fire (ms, '' = paused, 'keep' = as it is), expression, time zone,
--                       with a callback ('1' or ''), failures in a row that alert ('' = none), name, time policy
--                       (JSON), its overlap policy, most runs ('' = any), offset (s), phase (what offsets come from),
--                       and of one that waits for pings: the grace (ms), a secret for the key of a new one ('' =
--                       none); how it fires from now on (JSON), for the log; what the answer says beside (JSON)
-- Returns the id, its fields, what the answer says beside; 'stale' if the cron changed or went since it was read.

local team, now, id, version, spec = ARGV[1], moment(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local MOST_CHANGES = 100 -- of a cron's schedule that are remembered
local active, next_fire = ARGV[6] == '1', ARGV[7]

if id == '' then
    id = tostring(next_id(team, 'cron'))
    call('HSET', P .. 'c:' .. team .. ':' .. id, 'v', 1, 'version', 0, 'created', now, 'failures', 0)
    call('SADD', P .. 'teams', team)
elseif call('HGET', P .. 'c:' .. team .. ':' .. id, 'version') ~= version then
    return 'stale', REFUSED
end

local record, member = P .. 'c:' .. team .. ':' .. id, team .. ':' .. id
local index = P .. 'x:' .. team .. ':crons:'
call('HSET', record, 'spec', spec, 'is_active', active and 1 or 0, 'expression', ARGV[8], 'timezone', ARGV[9],
    'callback', ARGV[10], 'alert_threshold', ARGV[11], 'name', ARGV[12], 'timing', ARGV[13], 'overlap', ARGV[14],
    'max_runs', ARGV[15], 'offset', ARGV[16], 'phase', ARGV[17], 'grace', ARGV[18])
if ARGV[19] ~= '' then call('HSETNX', record, 'ping', ARGV[19]) end
call('HINCRBY', record, 'version', 1)
local was_damaged = call('HDEL', P .. 'damaged', 'c:' .. member) == 1
call('ZREM', index .. (active and 'paused' or 'active'), id)
call('ZADD', index .. (active and 'active' or 'paused'), id, id)
if next_fire == '' then
    call('ZREM', P .. 'crons', member)
    call('HDEL', record, 'next')
elseif next_fire ~= 'keep' then
    call('ZADD', P .. 'crons', next_fire, member)
    call('HSET', record, 'next', next_fire)
end
if was_damaged and next_fire == 'keep' and call('HGET', record, 'next') then -- it was taken out of the due ones
    call('ZADD', P .. 'crons', call('HGET', record, 'next'), member)
end
if next_fire ~= 'keep' then -- which says when it was to fire from now on
    call('RPUSH', P .. 'log:' .. member, now .. ' ' .. ARGV[20])
    call('LTRIM', P .. 'log:' .. member, -MOST_CHANGES, -1)
end
tell_clock(member)
return { id, call('HGETALL', record), ARGV[21] }
