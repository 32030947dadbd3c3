#!lua repeatable
-- Invite an e-mail address into a team; an invitation of the same address before ends.
--
-- Given `team`, `email` (lower case), `email_given`, `role`, `by`, `by_user` (nothing = an operator), `link` (the digest of its
-- code), `sealed` (the code, sealed), `expires` and now_ms.
-- Returns the sealed code, the id and the invitation's fields; 'gone' if there is no such team; 'member' if a member has the
-- address; 'full' if 1,000 invitations are open.

local MOST, KEPT_MS = 1000, 86400000 -- it is refused from `expires` on, and goes a day later
local now, team, email = moment(given.now_ms), given.team, given.email
local its = fields_of(P .. 'team:' .. team, 'name', 'deleted')
if not its.name or its.deleted then return 'gone', REFUSED end
local user = call('HGET', P .. 'emails', email)
if user and call('EXISTS', P .. 'member:' .. team .. ':' .. user) == 1 then return 'member', REFUSED end

local listed = P .. 'invitations:' .. team
local function forget(id, link)
    call('DEL', P .. 'invitation:' .. team .. ':' .. id, P .. 'link:' .. (link or ''))
    call('ZREM', listed, id)
end

for _, other in ipairs(call('ZRANGE', listed, 0, -1)) do
    local of = fields_of(P .. 'invitation:' .. team .. ':' .. other, 'email', 'link', 'expires')
    if of.email == email or now >= (tonumber(of.expires) or 0) + KEPT_MS then forget(other, of.link) end
end
if call('ZCARD', listed) >= MOST then return 'full', REFUSED end

local id = call('HINCRBY', P .. 'ids:' .. team, 'invitation', 1)
local record = P .. 'invitation:' .. team .. ':' .. id
call('HSET', record, 'email', email, 'email_given', given.email_given, 'role', given.role, 'by', given.by, 'created', now,
    'expires', given.expires, 'link', given.link)
if given.by_user then call('HSET', record, 'by_user', given.by_user) end
call('HSET', P .. 'link:' .. given.link, 'purpose', 'invitation', 'team', team, 'invitation', id, 'expires', given.expires)
fade(P .. 'link:' .. given.link, given.expires - now + KEPT_MS)
call('ZADD', listed, id, id)
note_change('invitation', id)
return { given.sealed, id, call('HGETALL', record) }
