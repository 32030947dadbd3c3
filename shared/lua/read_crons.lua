#!lua flags=no-writes
-- Read crons.
--
-- KEYS  prefix    ARGV  team, then ids
-- Returns now (ms), and per cron: id, its fields.

local team, rows = ARGV[1], {}
for i = 2, #ARGV do
    local fields = call('HGETALL', P .. 'c:' .. team .. ':' .. ARGV[i])
    if #fields > 0 then rows[#rows + 1] = { ARGV[i], fields } end
end
return { moment(), rows }
