#!lua flags=no-writes
-- Read executions of one cron.
--
-- KEYS  prefix    ARGV  team, cron, most bytes of a run (0 = any), then ids
-- Returns per execution: id, its fields, run (JSON or nothing).

local team, cron, most, rows = ARGV[1], ARGV[2], tonumber(ARGV[3]), {}
for i = 4, #ARGV do
    local record = P .. 'e:' .. team .. ':' .. ARGV[i]
    if call('HGET', record, 'cron') == cron then
        rows[#rows + 1] = { ARGV[i], call('HGETALL', record), beginning_in(P .. 'r:' .. team .. ':e' .. ARGV[i], most, RUN) }
    end
end
return rows
