-- Run a cron now, beside its schedule.
--
-- KEYS  prefix    ARGV  team, id, now ('' = server)
-- Returns the execution's id, or 0 if there is no such cron.

local team, id, now = ARGV[1], ARGV[2], moment(ARGV[3])
if call('EXISTS', P .. 'c:' .. team .. ':' .. id) == 0 then return 0 end
local execution = make_execution(team, id, { at = now, missed = 0 })
conclude()
return execution
