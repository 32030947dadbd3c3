#!lua flags=no-writes
-- Read jobs for a caller; a job of a deleted queue is gone already.
--
-- Given `team`, `with_runs`, `most_bytes` (of each text, 0 = any); and ids.
-- Returns per job: id, its fields, the spec (JSON), queue name, run (JSON or nothing).

local with_runs, most, rows = given.with_runs ~= nil, tonumber(given.most_bytes), {}
for _, id in ipairs(given_list()) do rows[#rows + 1] = job_row(given.team, id, with_runs, most) end
return rows
