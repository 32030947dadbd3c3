#!lua flags=no-writes
-- Read queues with how many of their jobs are in each state.
--
-- KEYS  prefix    ARGV  team, then ids
-- Returns per queue: id, its fields, then the counts of pending, processing, completed, failed, retrying and
-- dead_lettered (disjoint).

local team, rows = ARGV[1], {}
for i = 2, #ARGV do rows[#rows + 1] = queue_row(team, ARGV[i]) end
return rows
