#!lua flags=no-writes
-- Read alerts.
--
-- Given `team`; and ids.
-- Returns per alert: id, its fields.

local rows = {}
for _, id in ipairs(given_list()) do
    local fields = call('HGETALL', alert_of(given.team, id))
    for f = 1, #fields, 2 do
        if fields[f] == 'problem' then fields[f + 1] = problems.link(given.team, fields[f + 1]) end
    end
    if #fields > 0 then rows[#rows + 1] = { id, fields } end
end
return rows
