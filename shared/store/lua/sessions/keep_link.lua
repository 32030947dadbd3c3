#!lua repeatable
-- Keep a link that is good for one use: for whom, for what, and until when. A change of the user, as of the password, ends it.
--
-- Given `link` (the digest of its code), `purpose`, `user` and its `version` (nothing = whichever), `expires`, `alone` (links of that
-- purpose before end), now_ms.
-- Returns 1; 0 if there is no such user, or it changed since it was read. Who makes one for somebody else leaves a line in each of
-- the user's teams.

local KEPT_MS = 86400000 -- beyond its end
local now, record, user = moment(given.now_ms), P .. 'link:' .. given.link, P .. 'user:' .. given.user
local version = call('HGET', user, 'version')
if not version or (given.version and version ~= given.version) then return 0, REFUSED end
local field = 'link_' .. given.purpose
if given.alone then
    local before = call('HGET', user, field)
    if before then call('DEL', P .. 'link:' .. before) end
    call('HSET', user, field, given.link)
end
call('HSET', record, 'purpose', given.purpose, 'user', given.user, 'version', version, 'expires', given.expires)
fade(record, given.expires - now + KEPT_MS)
if given['who'] then accounts.in_each_team(given.user) end
return 1
