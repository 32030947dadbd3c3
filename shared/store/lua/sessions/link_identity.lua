#!lua repeatable
-- Link a user to whom the provider of single sign-on says it is; without a user a new one, who is a member of a team. Of a user whose
-- address nobody had proved before, all goes by which somebody else could act as it: password, second factor, sessions, and in each
-- of its teams the API tokens and invitations that it made; and it is a member of that team too.
--
-- Given `identity` (the digest of issuer and subject), `issuer`, `subject`, `email` (lower case); `user` and its `version` (nothing = a
-- new one, with `email_given` and `name`); `team`, of the line in its trail; `joins`, the team of which who is new or had not proved the
-- address is a member (nothing = none); now_ms.
-- Returns the user's id; 'taken' if another user has the address or the identity; 'other' if the user is linked to another
-- identity; 'gone' if no team takes who is new, or nobody owns that; 'stale' if the user changed or went since it was read.

local now, user, joins = moment(given.now_ms), given.user, given.joins
local of = joins and fields_of(P .. 'team:' .. joins, 'owner', 'deleted') or {}
-- The first member of a team owns it: nobody gets that by an account at a provider.
if not of.owner or of.deleted then joins = nil end

-- What a user itself says counts: an operator may have unlinked it.
local function is_linked(id)
    local its = fields_of(P .. 'user:' .. id, 'issuer', 'subject')
    return its.issuer == given.issuer and its.subject == given.subject
end

local function join(id)
    call('HSET', P .. 'member:' .. joins .. ':' .. id, 'role', 'member', 'joined', now)
    call('ZADD', P .. 'members:' .. joins, id, id)
    call('SADD', P .. 'member_of:' .. id, joins)
end

-- Whoever joined by an address that nobody proved may be somebody else: nothing lets them in or acts for them any more.
local function shut_out(id)
    local is_new_there = joins and call('EXISTS', P .. 'member:' .. joins .. ':' .. id) == 0
    call('HSET', P .. 'user:' .. id, 'password', '')
    call('HDEL', P .. 'user:' .. id, 'totp', 'totp_new', 'totp_step', 'recovery', 'recovery_new')
    accounts.end_sessions(id)
    if is_new_there then join(id) end
    accounts.in_each_team(id, function(team)
        if is_new_there and team == joins then
            note_change('member', id)
            accounts.end_invitations(team, 'email', given.email)
        end
        accounts.end_tokens(team, id)
        accounts.end_invitations(team, 'by_user', id)
    end)
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
    if not joins then return 'gone', REFUSED end
    repeat user = tostring(call('HINCRBY', P .. 'ids', 'user', 1)) until call('EXISTS', P .. 'user:' .. user) == 0
    call('HSET', P .. 'user:' .. user, 'v', 1, 'version', 1, 'email', given.email, 'email_given', given.email_given,
        'name', given.name, 'password', '', 'created', now)
    call('HSET', P .. 'emails', given.email, user)
    join(user)
    accounts.end_invitations(joins, 'email', given.email)
    note_change('member', user)
end
call('HSET', P .. 'user:' .. user, 'issuer', given.issuer, 'subject', given.subject)
call('HSETNX', P .. 'user:' .. user, 'email_proved', now) -- the provider has verified it
call('HSET', P .. 'identities', given.identity, user)
if given.team then note_change('user', user) end
return user
