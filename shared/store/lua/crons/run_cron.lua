#!lua repeatable
-- Run a cron now, beside its schedule.
--
-- Given the team, the cron and its `version` (nothing = whichever), now_ms.
-- Returns the execution's id and its fields, 0 if there is no such cron, -1 if it waits for pings and has nothing to
-- run, or -2 if it changed since it was read.

local team, id, now = given.team, given.cron, math.max(moment(given.now_ms), vouched())
local fields = fields_of(P .. 'c:' .. team .. ':' .. id, 'version', 'grace')
if not fields.version then return 0, REFUSED end
if given.version and given.version ~= fields.version then return -2, REFUSED end
if (fields.grace or '') ~= '' then return -1, REFUSED end
local at = now % 1000 == 0 and now - 1 or now -- fires are due at whole seconds, what is run by hand never is
local execution = make_execution(team, id, { at_ms = at, missed = 0 })
if now == moment() then note_doubt(EXECUTION, team, execution) end -- else its moment is what was vouched for
conclude()
note_change('cron', id)
note_change('execution', execution)
return { execution, call('HGETALL', record_of(EXECUTION, team, execution)) }
