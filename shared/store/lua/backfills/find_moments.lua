#!lua flags=no-writes
-- Find the moments of a range that a cron ran at: an execution that completed, waits or runs carries them.
--
-- Given the team, the cron, from_ms, to_ms, `cursor` ('' at first, then as the call before returned it).
-- Returns the cursor to go on from ('' = all were looked at), then moments (ms).

local found, after = backfills.survey(given.team, given.cron, given.cursor or '', tonumber(given.from_ms), tonumber(given.to_ms))
local ran = { after or '' }
for i = 1, #found, 2 do ran[#ran + 1] = found[i] end
return ran
