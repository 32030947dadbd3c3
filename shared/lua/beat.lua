#!lua flags=allow-oom
-- Say that long-running work is alive; the rescuer watches the count, not a clock.
--
-- KEYS  prefix    ARGV  consumer, then per work: kind, team, queue, id, lane, entry
-- Returns per work: 1 still ours, 0 lost to the rescuer.

local consumer, answers = ARGV[1], {}
for i = 2, #ARGV, 6 do
    local kind, team, queue, id = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local ours = holds(consumer, team .. ':' .. queue, ARGV[i + 4], ARGV[i + 5])
    local record = P .. kind .. ':' .. team .. ':' .. id
    if ours and call('EXISTS', record) == 1 then call('HINCRBY', record, 'beat', 1) end
    answers[#answers + 1] = ours and 1 or 0
end
return answers
