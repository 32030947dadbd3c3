#!lua flags=allow-oom repeatable
-- Cancel an invitation, whose link is worth nothing from then on.
--
-- Given `team`, `invitation`.
-- Returns 1; 0 if there is no such invitation.

local team, id = given.team, given.invitation
local record = P .. 'invitation:' .. team .. ':' .. id
local link = call('HGET', record, 'link')
if not link then return 0, REFUSED end
call('DEL', record, P .. 'link:' .. link)
call('ZREM', P .. 'invitations:' .. team, id)
note_change('invitation', id)
return 1
