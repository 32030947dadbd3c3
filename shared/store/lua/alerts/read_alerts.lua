#!lua flags=no-writes
-- Read alerts.
--
-- Given `team`; and ids.
-- Returns per alert: id, its fields.

local rows = {}
for _, id in ipairs(given_list()) do
    local fields = call('HGETALL', alert_of(given.team, id))
    if #fields > 0 then rows[#rows + 1] = { id, fields } end
end
return rows
