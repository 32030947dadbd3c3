#!lua flags=allow-oom repeatable
-- Delete a queue: nothing of it starts or is found from now on; `prune` removes its jobs in bounded steps.
--
-- Given `team`, `queue` and its `version` (nothing = whichever).
-- Returns 1; 0 if there is no such queue; 'stale' if it changed since it was read.

local team, id = given.team, given.queue
local record = P .. 'q:' .. team .. ':' .. id
local known = fields_of(record, 'name', 'version')
local name = known.name
if not name then return 0, REFUSED end
if given.version and known.version ~= given.version then return 'stale', REFUSED end
call('HDEL', P .. 'names:' .. team, name)
call('ZREM', P .. 'x:' .. team .. ':queues', id)
call('DEL', record)
leave_turns(team, team .. ':' .. id)
call('HDEL', P .. 'virtual_time', team .. ':' .. id)
call('SADD', P .. 'doomed', 'q:' .. team .. ':' .. id)
event('queue.deleted', team, 'q:' .. id)
tell_events()
note_change('queue', id)
return 1
