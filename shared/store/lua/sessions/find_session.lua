#!lua flags=allow-oom
-- Whose session it is, and what the user is in its team; it is noted as seen, and ends if it was not for too long.
--
-- Given `session` (its digest), `idle_ms`, now_ms.
-- Returns fields by name; nothing if it is none, has ended or ends now.

local STEP_MS = 60000 -- it is noted as seen once a minute at most
local now, record = moment(given.now_ms), P .. 'session:' .. given.session
local its = fields_of(record, 'user', 'team', 'seen', 'expires')
if not its.user then return {} end
local user = fields_of(P .. 'user:' .. its.user, 'email_given', 'name', 'version')
local seen = tonumber(its.seen)
if not user.version or now >= tonumber(its.expires) or now - seen >= tonumber(given.idle_ms) then
    call('DEL', record)
    call('ZREM', P .. 'sessions:' .. its.user, given.session)
    return {}
end
if now - seen >= STEP_MS then call('HSET', record, 'seen', now) end

local found = { 'user', its.user, 'email', user.email_given, 'name', user.name or '' }
local team = fields_of(P .. 'team:' .. its.team, 'shard', 'owner', 'deleted')
local role = call('HGET', P .. 'member:' .. its.team .. ':' .. its.user, 'role')
if role and not team.deleted then
    for _, one in ipairs({ 'team', its.team, 'shard', team.shard or '', 'role', team.owner == its.user and 'admin' or role }) do
        found[#found + 1] = one
    end
end
return found
