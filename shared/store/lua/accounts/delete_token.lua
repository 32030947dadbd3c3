#!lua flags=allow-oom repeatable
-- Delete a token, with what was counted of it.
--
-- Given `team`, and `token` (its id) or `digest`; `version` (nothing = whichever).
-- Returns 1; 0 if there is no such token; 'stale' if it changed since it was read.

local team = given.team
local ids = P .. 'tokens:' .. team
local digest = given.digest or call('HGET', ids, given.token)
if not digest then return 0, REFUSED end
local record = P .. 'token:' .. digest
local known = fields_of(record, 'version', 'id')
if given.version and (known.version or '') ~= given.version then return 'stale', REFUSED end
local id = given.token or known.id
if call('DEL', record) == 0 and not given.token then return 0, REFUSED end
call('DEL', P .. 'use:' .. digest)
if id then
    call('HDEL', ids, id)
    note_change('token', id)
end
return 1
