#!lua flags=allow-oom
-- Recount one noun of a team's ledger from the indexes, at one instant; with `repair`, the ledger is set to the count.
--
-- Given `team`, `noun` (job|execution), `repair`.
-- Returns per column that differs: column, as the ledger has it, as counted.

local team, noun = given.team, given.noun
local ledger, rows, sum = P .. 'ledger:' .. team, {}, 0

local function owners()
    if noun == 'job' then return { '' } end
    local found = {}
    for _, state in ipairs(STATES.cron) do
        for _, cron in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':crons:' .. state, 0, -1)) do
            found[#found + 1] = CRON .. cron .. ':'
        end
    end
    for _, doomed in ipairs(call('SMEMBERS', P .. 'doomed')) do
        local cron = string.match(doomed, '^c:' .. team .. ':(%d+)$')
        if cron then found[#found + 1] = CRON .. cron .. ':' end
    end
    return found
end

local function compare(column, count)
    local posted = tonumber(call('HGET', ledger, noun .. '.' .. column) or 0)
    if posted == count then return end
    rows[#rows + 1] = { column, posted, count }
    if given.repair then call('HSET', ledger, noun .. '.' .. column, count) end
end

local of_team, counted = P .. 'x:' .. team .. ':', {}
for _, part in ipairs(owners()) do
    for _, state in ipairs(STATES[noun]) do
        local column = LEDGER_STATE[state] or state
        counted[column] = (counted[column] or 0) + call('ZCARD', of_team .. part .. state)
    end
end
for _, column in ipairs(STATES.execution) do -- which those of jobs are counted as too
    sum = sum + (counted[column] or 0)
    compare(column, counted[column] or 0)
end
local accepted = tonumber(call('HGET', ledger, noun .. '.accepted') or 0)
local deleted = tonumber(call('HGET', ledger, noun .. '.deleted') or 0)
-- Nobody counts what is gone: of the two, the one that the other columns prove wrong is set.
if accepted < sum then compare('accepted', sum + deleted) else compare('deleted', accepted - sum) end
return rows
