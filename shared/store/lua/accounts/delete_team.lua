#!lua flags=allow-oom repeatable
-- Mark a team as deleted: its tokens and sessions stop, its name is free; a scheduler removes what it has in bounded steps.
--
-- Given `team`, `before` (the owner as it was read, nothing = none), `name` (as it was read too: it may be what somebody typed), now_ms.
-- Returns 1; 'stale' if the owner or the name changed since it was read; 0 if there is no such team.

local team = given.team
local record = P .. 'team:' .. team
local its = fields_of(record, 'name', 'owner', 'deleted')
if not its.name or its.deleted then return 0, REFUSED end
if its.owner ~= given.before or its.name ~= given.name then return 'stale', REFUSED end
call('HSET', record, 'deleted', moment(given.now_ms))
if call('HGET', P .. 'teams', its.name) == team then call('HDEL', P .. 'teams', its.name) end
call('SADD', P .. 'doomed_teams', team)
note_change('team', team)
return 1
