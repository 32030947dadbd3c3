#!lua flags=allow-oom repeatable
-- Delete a job with its run, its chain and its pending retries:  any -> (nothing).
--
-- Given `team`, `job`.
-- Returns 1, or 0 if there is no such job.

local team, id = given.team, given.job
local queue = call('HGET', P .. 'j:' .. team .. ':' .. id, 'queue')
if not queue or call('EXISTS', P .. 'q:' .. team .. ':' .. queue) == 0 then return 0, REFUSED end
remove_chain(team, id)
conclude()
note_change('job', id)
return 1
