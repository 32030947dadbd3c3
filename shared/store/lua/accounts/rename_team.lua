#!lua repeatable
-- Give a team another name.
--
-- Given `team`, `before` (its name as it was read), `name`.
-- Returns the team's fields; 'taken' if another team has the name; 'stale' if it was renamed since it was read; 'gone' if there is none.

local team, name = given.team, given.name
local record = P .. 'team:' .. team
local its = fields_of(record, 'name', 'deleted')
if not its.name or its.deleted then return 'gone', REFUSED end
if its.name ~= given.before then return 'stale', REFUSED end
local holder = call('HGET', P .. 'teams', name)
if holder and holder ~= team then return 'taken', REFUSED end
call('HDEL', P .. 'teams', its.name)
call('HSET', P .. 'teams', name, team)
call('HSET', record, 'name', name)
note_change('team', team)
return call('HGETALL', record)
