#!lua flags=no-writes
-- Read replays.
--
-- Given `team`; and ids.
-- Returns per replay: id, its fields.

local rows = {}
for _, id in ipairs(given_list()) do
    local fields = call('HGETALL', replay_of(given.team, id))
    if #fields > 0 then rows[#rows + 1] = { id, fields } end
end
return rows
