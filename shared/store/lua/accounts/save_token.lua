#!lua repeatable
-- Make a token, or change one that is still as it was read; below the prefix of accounts.
--
-- Given `team`, and of a new one `digest`, `last_four`, `created_by`, `user` (nothing = of an operator), `most` (so many a team
-- has), `sealed` (itself, for whoever repeats the call), `may_share_name`; of one that is there `token` and `version`; now_ms; and
-- one row.
-- Returns as `read_tokens`, and `sealed`; 'taken' if another token has the name; 'full' if the team has no room for one; 'stale' if
-- it changed since it was read; 0 if there is no such token.

local TOKEN_FIELDS = { 'name', 'scopes', 'limits' }
local team, id, now, its = given.team, given.token, moment(given.now_ms), next_row(TOKEN_FIELDS)
local ids = P .. 'tokens:' .. team
local digest = given.digest or call('HGET', ids, id)
if not digest then return 0, REFUSED end
local record = P .. 'token:' .. digest

local function is_taken()
    local known = call('HGETALL', ids)
    for i = 2, #known, 2 do
        if known[i] ~= digest and call('HGET', P .. 'token:' .. known[i], 'name') == its.name then return true end
    end
    return false
end

local before = fields_of(record, 'version', 'id', 'team')
if id and (before.version or '') ~= given.version then return 'stale', REFUSED end
if not given.may_share_name and is_taken() then return 'taken', REFUSED end
if not id then
    id = before.team == team and before.id -- it is registered again, as at each start
    local is_full = not given.may_share_name and call('HLEN', ids) >= tonumber(given.most)
    if not id and is_full then return 'full', REFUSED end
    if before.id and not id then call('HDEL', P .. 'tokens:' .. before.team, before.id) end
end
if not id then
    repeat
        id = call('HINCRBY', P .. 'ids:' .. team, 'token', 1)
    until call('HSETNX', ids, id, digest) == 1
    call('HSET', record, 'team', team, 'id', id)
    call('HSETNX', record, 'created', now)
    call('HSET', record, 'last_four', given.last_four, 'created_by', given.created_by)
    if given.user then call('HSET', record, 'user', given.user) end
end
call('HSET', record, 'name', its.name, 'scopes', its.scopes, 'limits', its.limits)
call('HINCRBY', record, 'version', 1)
note_change('token', id)
return { tonumber(id), digest, call('HGETALL', record), call('HGETALL', P .. 'use:' .. digest), given.sealed or '' }
