#!lua flags=allow-oom
-- Fire a part of what a cron owes before somebody changes it:  next fire moves on, executions are made.
--
-- KEYS  prefix    ARGV  team, now ('' = server), id, version, next fire as read (ms), following fire (ms, '' = none), its
--                       last fire here (ms, without its offset), how many fires follow, and per fire as in `fire_crons`
-- Returns 1, or 0 if the cron changed, fired or went since it was read, or it is not due yet.

local team, now, id, FIRES = ARGV[1], moment(ARGV[2]), ARGV[3], 9
local member = team .. ':' .. id
local record = P .. 'c:' .. member
local stands, following = fields_of(record, unpack(STANDS)), ARGV[6]
if (stands.version or '') ~= ARGV[4] or stands.next ~= ARGV[5] or tonumber(stands.next) > now then return 0 end

local policy = policy_of(stands)
local has_ended = fire_all(team, id, policy, tonumber(ARGV[8]), FIRES) or following == ''
note_fires(record, stands, policy, ARGV[7], not has_ended and following)
if has_ended then
    call('ZREM', P .. 'crons', member)
    call('HDEL', record, 'next')
else
    call('ZADD', P .. 'crons', following, member)
end
tell_clock(member)
conclude()
return 1
