#!lua flags=no-writes
-- Read crons for a list, and of their specs no more than that shows.
--
-- Given the team, `most_bytes` (of each spec); and ids.
-- Returns per cron: id, its fields.

local most, rows = tonumber(given.most_bytes), {}
for _, id in ipairs(given_list()) do
    local fields = call('HGETALL', P .. 'c:' .. given.team .. ':' .. id)
    for f = 1, #fields, 2 do
        if fields[f] == 'spec' then fields[f + 1] = beginning_of(fields[f + 1], most, SPEC_BEGINS) end
    end
    if #fields > 0 then rows[#rows + 1] = { id, fields } end
end
return rows
