#!lua flags=no-writes
-- Read queues with how many of their jobs are in each state.
--
-- Given `team`; and ids.
-- Returns per queue: id, its fields, then the counts of pending, processing, completed, failed, retrying and
-- dead_lettered (disjoint).

local rows = {}
for _, id in ipairs(given_list()) do rows[#rows + 1] = queue_row(given.team, id) end
return rows
