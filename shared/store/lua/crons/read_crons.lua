#!lua flags=no-writes
-- Read crons.
--
-- Given the team; and ids.
-- Returns now (ms), and per cron: id, its fields.

local rows = {}
for _, id in ipairs(given_list()) do
    local fields = call('HGETALL', P .. 'c:' .. given.team .. ':' .. id)
    if #fields > 0 then rows[#rows + 1] = { id, fields } end
end
return { moment(), rows }
