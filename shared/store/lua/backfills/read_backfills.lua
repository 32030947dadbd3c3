#!lua flags=no-writes
-- Read backfills.
--
-- Given `team`; and ids.
-- Returns per backfill that is there: id, its fields, how many of its executions are open, and how many completed and failed that
-- its fields do not count yet.

local rows = {}
for _, id in ipairs(given_list()) do rows[#rows + 1] = backfills.row(given.team, id) end
return rows
