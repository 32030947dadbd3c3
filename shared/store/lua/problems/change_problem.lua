#!lua repeatable
-- Change the state of a problem, as somebody wants it:  open | ignored | resolved -> any of them.
--
-- Given `team`, `problem`, `state`, `until_ms` (of what is ignored; until it recovered if nothing), now_ms.
-- Returns its row as of `read_problems`, 0 if there is no such problem, 'past' or 'far' if it cannot be ignored until then.

local team, id = given.team, given.problem
moment(given.now_ms)
local problem = problems.read(team, id)
if not problem then return 0, REFUSED end
local refusal = problems.change(problem, given.state, tonumber(given.until_ms or ''))
if refusal then return refusal, REFUSED end
note_change('problem', id)
return problems.row(team, id)
