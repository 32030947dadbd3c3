#!lua flags=allow-oom repeatable
-- Cancel a replay; the jobs that it has made stay:  collecting | trying | running -> cancelled.
--
-- Given `team`, `replay`, now_ms.
-- Returns its row as of `read_replays`, or 0 if there is no such replay.

local team, id = given.team, given.replay
moment(given.now_ms)
local state = call('HGET', replay_of(team, id), 'state')
if state == 'running' or state == 'trying' or state == 'collecting' then end_replay(team, id, 'cancelled', 'cancelled') end
if not state then return 0, REFUSED end
note_change('replay', id)
return { id, call('HGETALL', replay_of(team, id)) }
