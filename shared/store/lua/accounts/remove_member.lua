#!lua flags=allow-oom repeatable
-- Take a member out of a team, with the tokens that are the member's; its owner stays until it has handed the team over.
--
-- Given `team`, `user`.
-- Returns 1; 'owner' if it is the owner; 0 if there is no such member.

local team, user = given.team, given.user
if call('EXISTS', P .. 'member:' .. team .. ':' .. user) == 0 then return 0, REFUSED end
if call('HGET', P .. 'team:' .. team, 'owner') == user then return 'owner', REFUSED end
call('DEL', P .. 'member:' .. team .. ':' .. user)
call('ZREM', P .. 'members:' .. team, user)
call('SREM', P .. 'member_of:' .. user, team)
note_change('member', user)
accounts.end_tokens(team, user)
return 1
