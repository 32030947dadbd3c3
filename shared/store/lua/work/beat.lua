#!lua flags=allow-oom
-- Say that long-running work is alive; the rescuer watches the count, not a clock.
--
-- Given the consumer; and rows: entries.
-- Returns now (ms), and per work: 1 still ours, 2 still ours but somebody wants it cancelled, 0 lost to the rescuer.

local ENTRY = { 'kind', 'team', 'queue', 'id', 'lane', 'entry' }
local consumer, answers = given.consumer, {}

while more_rows() do
    local its = next_row(ENTRY)
    local queue = its.team .. ':' .. its.queue
    local beats, answer = holds(consumer, queue, its.lane, its.entry), 0
    if beats then
        call('XCLAIM', P .. its.lane .. queue, 'workers', consumer, 0, its.entry, 'RETRYCOUNT', beats + 1, 'JUSTID')
        local cancelled = redis.pcall('HEXISTS', record_of(its.kind, its.team, its.id), 'cancel')
        answer = cancelled == 1 and 2 or 1
    end
    answers[#answers + 1] = answer
end
return { moment(), answers }
