#!lua repeatable
-- Set what a team set for itself.
--
-- Given `team`, `version` (as it was read, nothing = whichever); and rows: fields and their values; a field without a value
-- ('') is removed.
-- Returns the first value and the version from now on; 'stale' if something was set since it was read.

local SETTING = { 'field', 'value' }
local settings, first = P .. 't:' .. given.team, nil
if given.version and (call('HGET', settings, 'version') or '0') ~= given.version then return 'stale', REFUSED end
while more_rows() do
    local its = next_row(SETTING)
    first = first or its.value
    if its.value == '' then call('HDEL', settings, its.field) else call('HSET', settings, its.field, its.value) end
end
note_change('team', given.team)
return { first or '', call('HINCRBY', settings, 'version', 1) }
