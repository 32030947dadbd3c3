#!lua repeatable
-- Replace what a token is by something new, if it is still as it was read: its name, limits and counts stay.
--
-- Given `team`, `token` (its id), `version`; of the new one `digest`, `last_four`, `user` (nothing = of an operator), `sealed` (itself, for
-- whoever repeats the call).
-- Returns as `read_tokens`, and `sealed`; 'stale' if it changed since it was read; 0 if there is no such token.

local team, id = given.team, given.token
local ids, record = P .. 'tokens:' .. team, P .. 'token:' .. given.digest
local before = call('HGET', ids, id)
if not before then return 0, REFUSED end
if (call('HGET', P .. 'token:' .. before, 'version') or '') ~= given.version then return 'stale', REFUSED end
call('RENAME', P .. 'token:' .. before, record)
if call('EXISTS', P .. 'use:' .. before) == 1 then
    call('RENAME', P .. 'use:' .. before, P .. 'use:' .. given.digest)
    call('HDEL', P .. 'use:' .. given.digest, 'used_at', 'used_by', 'used_from') -- the new one was not used yet
end
call('HSET', ids, id, given.digest)
call('HSET', record, 'last_four', given.last_four)
-- Whoever sees the new one may do with it what its user may.
if given.user then call('HSET', record, 'user', given.user) else call('HDEL', record, 'user') end
call('HINCRBY', record, 'version', 1)
note_change('token', id)
return { tonumber(id), given.digest, call('HGETALL', record), call('HGETALL', P .. 'use:' .. given.digest), given.sealed }
