#!lua repeatable
-- Accept an invitation: the user, or a new one of its e-mail address, is a member from then on, and the link is used up, as are
-- others of the address into the team. Who joins a team without an owner owns it.
--
-- Given `link` (the digest of its code), `team` (whose it is), `user` (nothing = a new one, with `name` and `password`),
-- `changes_of_owner` (`changes` for the trail if they own the team then), now_ms.
-- Returns the user's id; 'gone' if the link is used, cancelled or too old; 'taken' if the address has a user, who must sign in
-- first; 'other' if it is for another address than the user's.

local now, team, user, link = moment(given.now_ms), given.team, given.user, P .. 'link:' .. given.link
local of = fields_of(link, 'purpose', 'team', 'invitation', 'expires')
if of.purpose ~= 'invitation' or of.team ~= team or now >= tonumber(of.expires) then return 'gone', REFUSED end
local record = P .. 'invitation:' .. team .. ':' .. of.invitation
local its = fields_of(record, 'email', 'email_given', 'role', 'by_user')
local group = fields_of(P .. 'team:' .. team, 'owner', 'deleted')
if not its.email or group.deleted then return 'gone', REFUSED end
-- Who is no admin any more has invited nobody.
if its.by_user and call('HGET', P .. 'member:' .. team .. ':' .. its.by_user, 'role') ~= 'admin' then return 'gone', REFUSED end
if user then
    if call('HGET', P .. 'user:' .. user, 'email') ~= its.email then return 'other', REFUSED end
elseif call('HEXISTS', P .. 'emails', its.email) == 1 then
    return 'taken', REFUSED
else
    repeat user = tostring(call('HINCRBY', P .. 'ids', 'user', 1)) until call('EXISTS', P .. 'user:' .. user) == 0
    call('HSET', P .. 'user:' .. user, 'v', 1, 'version', 1, 'email', its.email, 'email_given', its.email_given, 'name', given.name,
        'password', given.password, 'created', now)
    call('HSET', P .. 'emails', its.email, user)
    note_change('user', user)
end

accounts.end_invitations(team, 'email', its.email)
call('DEL', link, record) -- also if a list had lost it
if call('EXISTS', P .. 'member:' .. team .. ':' .. user) == 0 then
    call('HSET', P .. 'member:' .. team .. ':' .. user, 'role', group.owner and its.role or 'admin', 'joined', now)
    call('ZADD', P .. 'members:' .. team, user, user)
    call('SADD', P .. 'member_of:' .. user, team)
    if not group.owner then
        call('HSET', P .. 'team:' .. team, 'owner', user)
        given['changes'] = given.changes_of_owner -- what the line in the trail says
    end
end
note_change('member', user)
return user
