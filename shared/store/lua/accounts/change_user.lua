#!lua repeatable
-- Change fields of a user who is still as it was read; where that ends sessions, all of the user's end but one.
--
-- Given `user`, `version`; `ends_sessions` and the digest of the session to `keep` (nothing = none); `ends_all` (so do the API tokens
-- and invitations that the user made); `team`, of the line in its trail (nothing = a line in each of the user's teams); and rows:
-- fields and their values; a field without a value ('') is removed.
-- Returns the new version; 'stale' if the user changed or went since it was read.

local SETTING = { 'field', 'value' }
local id = given.user
local record = P .. 'user:' .. id
if call('HGET', record, 'version') ~= given.version then return 'stale', REFUSED end
while more_rows() do
    local its = next_row(SETTING)
    if its.value == '' then call('HDEL', record, its.field) else call('HSET', record, its.field, its.value) end
end
if given.ends_sessions then accounts.end_sessions(id, given.keep) end
if given.ends_all then
    accounts.in_each_team(id, function(team)
        accounts.end_tokens(team, id)
        accounts.end_invitations(team, 'by_user', id)
    end)
elseif given.team then
    note_change('user', id)
elseif given['who'] then
    accounts.in_each_team(id) -- who acts in no team acts on the user in all of its own
end
return call('HINCRBY', record, 'version', 1)
