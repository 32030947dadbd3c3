#!lua repeatable
-- Set the role of a member; the owner is an admin always, so that a team with members has one.
--
-- Given `team`, `user`, `role`, `before` (the role as it was read).
-- Returns the member's fields; 'owner' if it is the owner's; 'stale' if it changed since it was read; 'nobody' if there is none.

local team, user = given.team, given.user
local member = P .. 'member:' .. team .. ':' .. user
local role = call('HGET', member, 'role')
if not role then return 'nobody', REFUSED end
if call('HGET', P .. 'team:' .. team, 'owner') == user then return 'owner', REFUSED end
if role ~= given.before then return 'stale', REFUSED end
call('HSET', member, 'role', given.role)
note_change('member', user)
return call('HGETALL', member)
