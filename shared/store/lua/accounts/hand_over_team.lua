#!lua repeatable
-- Make another member the owner of a team; the owner before stays as an admin.
--
-- Given `team`, `user` (the new owner), `before` (the owner as it was read, nothing = none).
-- Returns the team's fields; 'stale' if the owner changed since it was read; 'gone' if there is no such team; 'nobody' if the user is
-- no member.

local team, user = given.team, given.user
local record, member = P .. 'team:' .. team, P .. 'member:' .. team .. ':' .. user
local its = fields_of(record, 'name', 'owner', 'deleted')
if not its.name or its.deleted then return 'gone', REFUSED end
if its.owner ~= given.before then return 'stale', REFUSED end
if call('EXISTS', member) == 0 then return 'nobody', REFUSED end
call('HSET', record, 'owner', user)
call('HSET', member, 'role', 'admin')
note_change('team', team)
note_change('member', user)
return call('HGETALL', record)
