#!lua flags=allow-oom
-- Fire a part of what a cron owes before somebody changes it:  next fire moves on, executions are made.
--
-- Given the team, the cron, its version and `known_next` (its next fire as read, ms), not_due_ms (the fire after these,
-- nothing = none), fired_until_ms (its last fire here, without its offset), now_ms; and rows: fires.
-- Returns 1, or 0 if the cron changed, fired or went since it was read, or it is not due yet.

local team, id, now = given.team, given.cron, moment(given.now_ms)
local member = team .. ':' .. id
local record = P .. 'c:' .. member
local stands, following = fields_of(record, unpack(STANDS)), given.not_due_ms
if not stands.next then return 0 end
if stands.version ~= given.version or stands.next ~= given.known_next or tonumber(stands.next) > now then return 0 end

local policy = policy_of(stands)
local has_ended = fire_all(team, id, policy, next_fires()) or not following
note_fires(record, stands, policy, given.fired_until_ms, not has_ended and following)
if has_ended then
    call('ZREM', P .. 'crons', member)
    call('HDEL', record, 'next')
else
    call('ZADD', P .. 'crons', following, member)
end
planned.write(team, id)
tell_clock(member)
conclude()
return 1
