#!lua repeatable
-- Replace a team's signing secrets, if they are still what was read.
--
-- Given `team`, `before` (what was read, if anything), `after` (what to keep).
-- Returns what is kept now, or 0 if somebody else was faster.

local settings = P .. 't:' .. given.team
if (call('HGET', settings, 'signing') or nil) ~= given.before then return 0, REFUSED end
call('HSET', settings, 'signing', given.after)
call('HINCRBY', settings, 'version', 1)
note_change('team', given.team)
return given.after
