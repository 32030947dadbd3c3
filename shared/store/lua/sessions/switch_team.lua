#!lua
-- Let a session act in another of its user's teams.
--
-- Given `session` (its digest), `team`.
-- Returns 1; 0 if there is no such session, or its user is in no such team.

local record = P .. 'session:' .. given.session
local user = call('HGET', record, 'user')
if not user or call('EXISTS', P .. 'member:' .. given.team .. ':' .. user) == 0 then return 0 end
if call('HGET', P .. 'team:' .. given.team, 'deleted') then return 0 end
call('HSET', record, 'team', given.team)
return 1
