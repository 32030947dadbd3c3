#!lua repeatable
-- Give a user who was made without one an e-mail address, a name and a password; all of its sessions end, and so do invitations of that
-- address into teams in which the user is.
--
-- Given `user`, `version`; `email` (lower case), `email_given`, `name`, `password` (its hash); `team`, of the line in its trail.
-- Returns the new version; 'taken' if another user has the address; 'stale' if the user changed or went since it was read.

local id, emails = given.user, P .. 'emails'
local record = P .. 'user:' .. id
local its = fields_of(record, 'version', 'email')
if its.version ~= given.version then return 'stale', REFUSED end
local of = call('HGET', emails, given.email)
if of and of ~= id then return 'taken', REFUSED end

call('HDEL', emails, its.email)
call('HDEL', record, 'email_proved') -- of the address before
call('HSET', emails, given.email, id)
call('HSET', record, 'email', given.email, 'email_given', given.email_given, 'name', given.name, 'password', given.password)
accounts.end_sessions(id)
for _, team in ipairs(call('SMEMBERS', P .. 'member_of:' .. id)) do
    accounts.end_invitations(team, 'email', given.email)
end
if given.team then note_change('user', id) end
return call('HINCRBY', record, 'version', 1)
