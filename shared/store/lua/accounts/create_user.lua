#!lua repeatable
-- Make a user; with a team as its member, and the first of a team without an owner is its owner. Invitations of the address into the
-- team end with that.
--
-- Given `email` (lower case), `email_given`, `proved` (the address is known to be theirs), `name`, `password` (its hash;
-- nothing = none yet), `team` and `role` if it is to be in one, now_ms.
-- Returns the id; 'taken' if a user has the e-mail address; 'gone' if there is no such team.

local now, team = moment(given.now_ms), given.team
if call('HEXISTS', P .. 'emails', given.email) == 1 then return 'taken', REFUSED end
local its = team and fields_of(P .. 'team:' .. team, 'name', 'owner', 'deleted')
if its and (not its.name or its.deleted) then return 'gone', REFUSED end

local id
repeat id = tostring(call('HINCRBY', P .. 'ids', 'user', 1)) until call('EXISTS', P .. 'user:' .. id) == 0
call('HSET', P .. 'user:' .. id, 'v', 1, 'version', 1, 'email', given.email, 'email_given', given.email_given, 'name', given.name,
    'password', given.password or '', 'created', now)
if given.proved then call('HSET', P .. 'user:' .. id, 'email_proved', now) end
call('HSET', P .. 'emails', given.email, id)
if its then
    if not its.owner then call('HSET', P .. 'team:' .. team, 'owner', id) end
    call('HSET', P .. 'member:' .. team .. ':' .. id, 'role', its.owner and given.role or 'admin', 'joined', now)
    call('ZADD', P .. 'members:' .. team, id, id)
    call('SADD', P .. 'member_of:' .. id, team)
    note_change('member', id)
    accounts.end_invitations(team, 'email', given.email)
end
note_change('user', id)
return id
