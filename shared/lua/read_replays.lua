#!lua flags=no-writes
-- Read replays.
--
-- KEYS  prefix    ARGV  team, then ids
-- Returns per replay: id, its fields.

local team, rows = ARGV[1], {}
for i = 2, #ARGV do
    local fields = call('HGETALL', replay_of(team, ARGV[i]))
    if #fields > 0 then rows[#rows + 1] = { ARGV[i], fields } end
end
return rows
