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
    for _, state in ipairs({ 'active', 'paused' }) do
        for _, cron in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':crons:' .. state, 0, -1)) do
            found[#found + 1] = 'c' .. cron .. ':'
        end
    end
    for _, doomed in ipairs(call('SMEMBERS', P .. 'doomed')) do
        local cron = string.match(doomed, '^c:' .. team .. ':(%d+)$')
        if cron then found[#found + 1] = 'c' .. cron .. ':' end
    end
    return found
end

local function compare(column, counted)
    local posted = tonumber(call('HGET', ledger, noun .. '.' .. column) or 0)
    if posted == counted then return end
    rows[#rows + 1] = { column, posted, counted }
    if given.repair then call('HSET', ledger, noun .. '.' .. column, counted) end
end

local parts, of_team = owners(), P .. 'x:' .. team .. ':'
for column, states in pairs({ pending = { 'pending' }, processing = { 'processing' }, completed = { 'completed' },
    failed = { 'failed', 'retrying', 'dead_lettered' }, skipped = { 'skipped' } }) do
    local counted = 0
    for _, part in ipairs(parts) do
        for _, state in ipairs(states) do counted = counted + call('ZCARD', of_team .. part .. state) end
    end
    sum = sum + counted
    compare(column, counted)
end
local accepted = tonumber(call('HGET', ledger, noun .. '.accepted') or 0)
local deleted = tonumber(call('HGET', ledger, noun .. '.deleted') or 0)
-- Nobody counts what is gone: of the two, the one that the other columns prove wrong is set.
if accepted < sum then compare('accepted', sum + deleted) else compare('deleted', accepted - sum) end
return rows
