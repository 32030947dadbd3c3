#!lua flags=no-writes
-- Find which moments of a cron ran: an execution that completed, waits or runs carries them.
--
-- Given the team, the cron; and moments (ms).
-- Returns those that did.

local ran = {}
for _, at in ipairs(given_list()) do
    if backfills.has_run(given.team, given.cron, tonumber(at)) then ran[#ran + 1] = tonumber(at) end
end
return ran
