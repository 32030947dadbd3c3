#!lua
-- Open a session of a user; that which the browser brought ends, so that nobody can have planted it.
--
-- Given `session` and `before` (digests; `before` = nothing: it brought none), `user`, `version` (of the user, nothing = whichever),
-- `team` (nothing = none), `address`, `client`, `expires`, now_ms.
-- Returns 1; 0 if there is no such user, or it changed since it was read; at most 100 of a user are open, the newest.

local MOST = 100
local now, user, expires = moment(given.now_ms), given.user, tonumber(given.expires)
local version = call('HGET', P .. 'user:' .. user, 'version')
if not version or (given.version and version ~= given.version) then return 0 end

local function close(digest)
    local of = call('HGET', P .. 'session:' .. digest, 'user')
    call('DEL', P .. 'session:' .. digest)
    if of then call('ZREM', P .. 'sessions:' .. of, digest) end
end

if given.before then close(given.before) end
local listed, record = P .. 'sessions:' .. user, P .. 'session:' .. given.session
call('HSET', record, 'user', user, 'team', given.team or '', 'created', now, 'seen', now, 'expires', expires,
    'address', given.address, 'client', given.client)
call('ZADD', listed, now, given.session)
fade(record, expires - now)
for _, old in ipairs(call('ZRANGE', listed, 0, -MOST - 1)) do
    close(old)
    call('ZREM', listed, old)
end
return 1
