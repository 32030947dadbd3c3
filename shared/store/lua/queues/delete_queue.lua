#!lua flags=allow-oom repeatable
-- Delete a queue: nothing of it starts or is found from now on; `prune` removes its jobs in bounded steps.
--
-- Given `team`, `queue`.
-- Returns 1, or 0 if there is no such queue.

local team, id = given.team, given.queue
local record = P .. 'q:' .. team .. ':' .. id
local name = call('HGET', record, 'name')
if not name then return 0, REFUSED end
call('HDEL', P .. 'names:' .. team, name)
call('ZREM', P .. 'x:' .. team .. ':queues', id)
call('DEL', record)
leave_turns(team, team .. ':' .. id)
call('HDEL', P .. 'virtual_time', team .. ':' .. id)
call('SADD', P .. 'doomed', 'q:' .. team .. ':' .. id)
return 1
