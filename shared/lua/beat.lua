#!lua flags=allow-oom
-- Say that long-running work is alive; the rescuer watches the count, not a clock.
--
-- KEYS  prefix    ARGV  consumer, then per work: kind, team, queue, id, lane, entry
-- Returns now (ms), and per work: 1 still ours, 2 still ours but somebody wants it cancelled, 0 lost to the rescuer.

local consumer, answers = ARGV[1], {}
for i = 2, #ARGV, 6 do
    local queue, lane, entry = ARGV[i + 1] .. ':' .. ARGV[i + 2], ARGV[i + 4], ARGV[i + 5]
    local beats, answer = holds(consumer, queue, lane, entry), 0
    if beats then
        call('XCLAIM', P .. lane .. queue, 'workers', consumer, 0, entry, 'RETRYCOUNT', beats + 1, 'JUSTID')
        local cancelled = redis.pcall('HEXISTS', record_of(ARGV[i], ARGV[i + 1], ARGV[i + 3]), 'cancel')
        answer = cancelled == 1 and 2 or 1
    end
    answers[#answers + 1] = answer
end
return { moment(), answers }
