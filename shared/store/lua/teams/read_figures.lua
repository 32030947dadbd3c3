#!lua flags=no-writes
-- Figures of a team, or of one of its queues, or of its crons.
--
-- Given `team`, `of` ('' = the whole team, or the id of a queue, or `crons`); and rows: `period` (its letter and start in ms)
-- and `into`, a number under which what it has is added up.
-- Returns per number that has something: the number, then names of figures and their sums by turns.

local PERIOD = { 'period', 'into' }
local FIGURES = { 'started', 'completed', 'failed', 'skipped' }
for _, figure in ipairs({ 'completed', 'retried', 'failed', 'waited', 'late' }) do
    for bucket = 0, 14 do FIGURES[#FIGURES + 1] = figure .. bucket end
end
local team, prefix, sums, numbers, answers = given.team, given.of and given.of .. ':' or '', {}, {}, {}
local fields = {}
for i, figure in ipairs(FIGURES) do fields[i] = prefix .. figure end

while more_rows() do
    local row = next_row(PERIOD)
    local key = P .. 'figures:' .. team .. ':' .. row.period
    if call('EXISTS', key) == 1 then
        if not sums[row.into] then
            sums[row.into] = {}
            numbers[#numbers + 1] = row.into
        end
        local sum = sums[row.into]
        for i, value in ipairs(call('HMGET', key, unpack(fields))) do
            if value then sum[i] = (sum[i] or 0) + value end
        end
    end
end
for _, number in ipairs(numbers) do
    local answer = { tonumber(number) }
    for i, sum in pairs(sums[number]) do
        answer[#answer + 1] = FIGURES[i]
        answer[#answer + 1] = sum
    end
    answers[#answers + 1] = answer
end
return answers
