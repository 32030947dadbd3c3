#!lua flags=no-writes
-- Read crons for a list, and of what was asked no more than that shows.
--
-- KEYS  prefix    ARGV  team, most bytes of it, then ids
-- Returns per cron: id, its fields.

local team, most, rows = ARGV[1], tonumber(ARGV[2]), {}
for i = 3, #ARGV do
    local fields = call('HGETALL', P .. 'c:' .. team .. ':' .. ARGV[i])
    for f = 1, #fields, 2 do
        if fields[f] == 'spec' then fields[f + 1] = beginning_of(fields[f + 1], most, SPEC) end
    end
    if #fields > 0 then rows[#rows + 1] = { ARGV[i], fields } end
end
return rows
