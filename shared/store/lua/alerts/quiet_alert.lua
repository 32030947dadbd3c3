#!lua repeatable
-- Ignore the problem that an alert names, and send nothing more of the crons that are told of together with it.
--
-- Given `team`, `alert`, `until_ms` (until it recovered if nothing), now_ms.
-- Returns the row of the problem as of `read_problems`, 0 if there is no such alert, 'none' if it names no problem that is there,
-- 'past' or 'far' if it cannot be ignored until then.

local team, its = given.team, fields_of(alert_of(given.team, given.alert), 'type', 'kind', 'of', 'problem')
moment(given.now_ms)
if not its.type or its.type == 'test' then return 0, REFUSED end
local problem = (its.problem or '') ~= '' and problems.read(team, its.problem)
if not problem then return 'none', REFUSED end
local refusal = problems.change(problem, 'ignored', tonumber(given.until_ms or ''))
if refusal then return refusal, REFUSED end
if its.kind == 'cron' then confined(team, 'c:' .. its.of, incidents.hush, team, its.of, problem) end
note_change('problem', problem.id)
return problems.row(team, problem.id)
