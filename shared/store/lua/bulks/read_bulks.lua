#!lua flags=no-writes
-- Read changes of many in the background.
--
-- Given `team`; and ids.
-- Returns per change that is there: id, its fields, and ids with why they were refused.

local rows = {}
for _, id in ipairs(given_list()) do rows[#rows + 1] = bulks.row(given.team, id) end
return rows
