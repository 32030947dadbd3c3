#!lua flags=allow-oom repeatable
-- Cancel a change of many; what was changed stays so:  running -> cancelled.
--
-- Given `team`, `bulk`, `reason`, now_ms.
-- Returns its row as of `read_bulks`, or 0 if there is no such change.

local team, id = given.team, given.bulk
moment(given.now_ms)
local state = call('HGET', P .. 'bulk:' .. team .. ':' .. id, 'state')
if not state then return 0, REFUSED end
if state == 'running' then bulks.cancel(team, id, given.reason) end
note_change('bulk', id)
return bulks.row(team, id)
