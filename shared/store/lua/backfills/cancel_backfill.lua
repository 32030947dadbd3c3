#!lua flags=allow-oom repeatable
-- Cancel a backfill; what it has made stays, and runs:  running -> cancelled.
--
-- Given `team`, `backfill`, now_ms.
-- Returns its row as of `read_backfills`, or 0 if there is no such backfill.

local team, id = given.team, given.backfill
moment(given.now_ms)
local state = call('HGET', P .. 'backfill:' .. team .. ':' .. id, 'state')
if not state then return 0, REFUSED end
if state == 'running' then backfills.cancel(team, id) end
note_change('backfill', id)
return backfills.row(team, id)
