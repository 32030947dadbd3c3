#!lua flags=no-writes
-- Read problems.
--
-- Given `team`, now_ms; and ids.
-- Returns per problem: id, its fields, its state now, how many dead letters are in it, now (ms), and the name of its queue or
-- cron if that is there.

local team, rows = given.team, {}
moment(given.now_ms)
for _, id in ipairs(given_list()) do rows[#rows + 1] = problems.row(team, id) end
return rows
