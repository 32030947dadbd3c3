#!lua flags=no-writes
-- Read alerts.
--
-- KEYS  prefix    ARGV  team, then ids
-- Returns per alert: id, its fields.

local team, rows = ARGV[1], {}
for i = 2, #ARGV do
    local fields = call('HGETALL', alert_of(team, ARGV[i]))
    if #fields > 0 then rows[#rows + 1] = { ARGV[i], fields } end
end
return rows
