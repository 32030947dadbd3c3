#!lua repeatable
-- Link a user to whom the provider of single sign-on says it is, of whom a password, a second factor and sessions go if nobody
-- had proved the address before; without a user a new one, who is a member of a team.
--
-- Given `identity` (the digest of issuer and subject), `issuer`, `subject`; `user` and its `version` (nothing = a new one, with
-- `email` (lower case), `email_given` and `name`); `team`, of the line in its trail, and of which a new one is a member; now_ms.
-- Returns the user's id; 'taken' if another user has the address or the identity; 'other' if the user is linked to another
-- identity; 'gone' if there is no such team, or nobody owns it; 'stale' if the user changed or went since it was read.

local now, team, user = moment(given.now_ms), given.team, given.user

-- What a user itself says counts: an operator may have unlinked it.
local function is_linked(id)
    local its = fields_of(P .. 'user:' .. id, 'issuer', 'subject')
    return its.issuer == given.issuer and its.subject == given.subject
end

-- Whoever joined by an address that nobody proved may be somebody else: nothing lets them in any more.
local function shut_out(id)
    local record, sessions = P .. 'user:' .. id, P .. 'sessions:' .. id
    call('HSET', record, 'password', '')
    call('HDEL', record, 'totp', 'totp_new', 'totp_step', 'recovery', 'recovery_new')
    for _, session in ipairs(call('ZRANGE', sessions, 0, -1)) do call('DEL', P .. 'session:' .. session) end
    call('DEL', sessions)
end

local holder = call('HGET', P .. 'identities', given.identity)
if holder and holder ~= user and is_linked(holder) then return 'taken', REFUSED end

if user then
    local its = fields_of(P .. 'user:' .. user, 'version', 'issuer', 'email_proved')
    if its.version ~= given.version then return 'stale', REFUSED end
    if its.issuer and not is_linked(user) then return 'other', REFUSED end
    if not its.email_proved then shut_out(user) end
    call('HINCRBY', P .. 'user:' .. user, 'version', 1)
else
    if call('HEXISTS', P .. 'emails', given.email) == 1 then return 'taken', REFUSED end
    local of = fields_of(P .. 'team:' .. team, 'owner', 'deleted')
    -- The first member of a team owns it: nobody gets that by an account at a provider.
    if not of.owner or of.deleted then return 'gone', REFUSED end
    repeat user = tostring(call('HINCRBY', P .. 'ids', 'user', 1)) until call('EXISTS', P .. 'user:' .. user) == 0
    call('HSET', P .. 'user:' .. user, 'v', 1, 'version', 1, 'email', given.email, 'email_given', given.email_given,
        'name', given.name, 'password', '', 'created', now)
    call('HSET', P .. 'emails', given.email, user)
    call('HSET', P .. 'member:' .. team .. ':' .. user, 'role', 'member', 'joined', now)
    call('ZADD', P .. 'members:' .. team, user, user)
    call('SADD', P .. 'member_of:' .. user, team)
    note_change('member', user)
end
call('HSET', P .. 'user:' .. user, 'issuer', given.issuer, 'subject', given.subject)
call('HSETNX', P .. 'user:' .. user, 'email_proved', now) -- the provider has verified it
call('HSET', P .. 'identities', given.identity, user)
note_change('user', user)
return user
