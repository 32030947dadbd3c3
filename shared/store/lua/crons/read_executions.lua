#!lua flags=no-writes
-- Read executions of one cron.
--
-- Given the team, the cron, `most_bytes` (of a run, 0 = any); and ids.
-- Returns per execution: id, its fields, run (JSON or nothing).

local team, most, rows = given.team, tonumber(given.most_bytes), {}
for _, id in ipairs(given_list()) do
    local record = P .. 'e:' .. team .. ':' .. id
    if call('HGET', record, 'cron') == given.cron then
        rows[#rows + 1] = { id, call('HGETALL', record), beginning_in(P .. 'r:' .. team .. ':e' .. id, most, RUN_BEGINS) }
    end
end
return rows
