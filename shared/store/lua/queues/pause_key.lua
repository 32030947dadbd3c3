#!lua flags=allow-oom repeatable
-- Pause a key of a queue, also one that nothing waits of yet, or let it go on: what runs goes on.
--
-- Given `team`, `queue`, `key`, `is_paused` (1 = pause it).
-- Returns its row as of `read_keys`; 0 if there is no such queue, 'many' if too many keys of it are paused.

local MOST_PAUSED = 10000
local queue, name = given.team .. ':' .. given.queue, given.key
local paused = P .. 'paused_keys:' .. queue
if call('EXISTS', P .. 'q:' .. queue) == 0 then return 0, REFUSED end
if given.is_paused and call('SCARD', paused) >= MOST_PAUSED and call('SISMEMBER', paused, name) == 0 then return 'many', REFUSED end

if given.is_paused then
    call('SADD', paused, name)
    call('ZADD', P .. 'keys:' .. queue, 0, name)
else
    call('SREM', paused, name)
end
keyed.look(queue, name)
touched[queue] = true
local row = keyed.row(queue, name)
conclude()
note_change('queue', given.queue)
return row
