#!lua repeatable
-- Set what a team set for itself.
--
-- Given `team`; and rows: fields and their values; a field without a value ('') is removed.
-- Returns the first value.

local SETTING = { 'field', 'value' }
local settings, first = P .. 't:' .. given.team, nil
while more_rows() do
    local its = next_row(SETTING)
    first = first or its.value
    if its.value == '' then call('HDEL', settings, its.field) else call('HSET', settings, its.field, its.value) end
end
note_change('team', given.team)
return first
