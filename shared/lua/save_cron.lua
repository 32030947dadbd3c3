#!lua repeatable
-- Make a cron, or change one that is still as it was read; what was due by the plan it had is fired first.
--
-- KEYS  prefix    ARGV  team, now ('' = server), id ('' = new), version, what was asked (JSON), is_active (0|1),
--                       next fire (ms, '' = paused, 'keep' = as it is), expression, time zone,
--                       with a callback ('1' or ''), failures in a row that alert ('' = none), name, time policy
--                       (JSON), its overlap policy, most runs ('' = any), offset (s), phase (what offsets come from),
--                       and of one that waits for pings: the grace (ms), a secret for the key of a new one ('' =
--                       none); how it fires from now on (JSON), for the log; what the answer says beside (JSON);
--                       unless the next fire is kept: the one as read (ms, '' = none), the first one that is not due by
--                       the plan it had (ms, '' = none), its last fire then (ms, without its offset), how many fires are
--                       due, and per fire as in `fire_crons`
-- Returns the id, its fields, what the answer says beside; 'stale' if the cron changed, fired or went since it was read,
-- if more is due by now, or if its next fire has passed.

local team, now, id, version, spec = ARGV[1], moment(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local MOST_CHANGES = 100 -- of a cron's schedule that are remembered
local active, next_fire, most, offset = ARGV[6] == '1', ARGV[7], tonumber(ARGV[15]), ARGV[16] * 1000
local is_reckoned, known_next, not_due, FIRES = next_fire ~= 'keep', ARGV[22], ARGV[23], 26
local stands = fields_of(P .. 'c:' .. team .. ':' .. id, unpack(STANDS))

-- Whether the next fire that was reckoned is one that is still to come, and nothing is due beside what was judged.
local function is_in_time()
    if (stands.next or '') ~= known_next then return false end
    if not_due ~= '' and tonumber(not_due) <= now then return false end
    return next_fire == '' or (tonumber(next_fire) > now and is_fresh(next_fire - offset, stands.fired_until))
end

if id ~= '' and (stands.version or '') ~= version then return 'stale', REFUSED end
if is_reckoned and not is_in_time() then return 'stale', REFUSED end

if id == '' then
    id = tostring(next_id(team, 'cron'))
    call('HSET', P .. 'c:' .. team .. ':' .. id, 'v', 1, 'version', 0, 'created', now, 'failures', 0)
    call('SADD', P .. 'teams', team)
end

local record, member = P .. 'c:' .. team .. ':' .. id, team .. ':' .. id
local index = P .. 'x:' .. team .. ':crons:'
if is_reckoned then
    local policy = policy_of(stands)
    fire_all(team, id, policy, tonumber(ARGV[25]), FIRES)
    note_fires(record, stands, policy, math.max(now - offset, tonumber(ARGV[24])))
    if most and policy.runs >= most then next_fire = '' end
end
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
elseif is_reckoned then
    call('ZADD', P .. 'crons', next_fire, member)
    call('HSET', record, 'next', next_fire)
end
if was_damaged and not is_reckoned and call('HGET', record, 'next') then -- it was taken out of the due ones
    call('ZADD', P .. 'crons', call('HGET', record, 'next'), member)
end
if is_reckoned then -- which says when it was to fire from now on
    call('RPUSH', P .. 'log:' .. member, now .. ' ' .. ARGV[20])
    call('LTRIM', P .. 'log:' .. member, -MOST_CHANGES, -1)
end
tell_clock(member)
conclude()
return { id, call('HGETALL', record), ARGV[21] }
