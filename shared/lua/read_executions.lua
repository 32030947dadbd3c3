#!lua flags=no-writes
-- Read executions of one cron.
--
-- KEYS  prefix    ARGV  team, cron, then ids
-- Returns per execution: id, its fields, run (JSON or nothing).

local team, cron, rows = ARGV[1], ARGV[2], {}
for i = 3, #ARGV do
    local record = P .. 'e:' .. team .. ':' .. ARGV[i]
    if call('HGET', record, 'cron') == cron then
        rows[#rows + 1] = { ARGV[i], call('HGETALL', record), call('GET', P .. 'r:' .. team .. ':e' .. ARGV[i]) }
    end
end
return rows
