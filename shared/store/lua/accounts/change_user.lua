#!lua repeatable
-- Change fields of a user who is still as it was read; where that ends sessions, all of the user's end but one.
--
-- Given `user`, `version`; `ends_sessions` and the digest of the session to `keep` (nothing = none); `team`, of the line in
-- its trail (nothing = a line in each of the user's teams); and rows: fields and their values; a field without a value ('') is
-- removed.
-- Returns the new version; 'stale' if the user changed or went since it was read.

local SETTING = { 'field', 'value' }
local id = given.user
local record = P .. 'user:' .. id
if call('HGET', record, 'version') ~= given.version then return 'stale', REFUSED end
while more_rows() do
    local its = next_row(SETTING)
    if its.value == '' then call('HDEL', record, its.field) else call('HSET', record, its.field, its.value) end
end
if given.ends_sessions then
    for _, session in ipairs(call('ZRANGE', P .. 'sessions:' .. id, 0, -1)) do
        if session ~= given.keep then
            call('DEL', P .. 'session:' .. session)
            call('ZREM', P .. 'sessions:' .. id, session)
        end
    end
end
if given.team then
    note_change('user', id)
elseif given['who'] then
    -- Who acts in no team acts on the user in all of its own: each of these trails has the line.
    note_change('user', id)
    for _, team in ipairs(call('SMEMBERS', P .. 'member_of:' .. id)) do
        given['team'] = team
        write_trail()
    end
    given['who'] = nil -- it is written
end
return call('HINCRBY', record, 'version', 1)
