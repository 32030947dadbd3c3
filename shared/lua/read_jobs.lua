#!lua flags=no-writes
-- Read jobs for a caller; a job of a deleted queue is gone already.
--
-- KEYS  prefix    ARGV  team, with runs ('1' or '0'), most bytes of each text (0 = any), then ids
-- Returns per job: id, its fields, what was asked (JSON), queue name, run (JSON or nothing).

local team, with_runs = ARGV[1], ARGV[2] == '1'
local most, rows = tonumber(ARGV[3]), {}
for i = 4, #ARGV do rows[#rows + 1] = job_row(team, ARGV[i], with_runs, most) end
return rows
