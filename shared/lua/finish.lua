#!lua flags=allow-oom
-- Record results and settle what was tried, all or nothing for each:  processing -> completed | failed | pending.
--
-- The fence: the entry must still be pending for this consumer. What was rescued has a new entry.
--
-- KEYS  prefix    ARGV  consumer, now ('' = server), then per work: kind, team, queue, id, lane, entry,
--                       verdict (complete|retry|dead|fail|release), run (JSON), retry after (ms), response (text)
-- Returns per work: 1 recorded, 2 dropped because it was deleted, 0 not ours any more (nothing was changed).

local consumer, now, answers = ARGV[1], moment(ARGV[2]), {}

local function lives(kind, team, queue, id)
    if call('EXISTS', P .. kind .. ':' .. team .. ':' .. id) == 0 then return false end
    return kind ~= 'j' or call('EXISTS', P .. 'q:' .. team .. ':' .. queue) == 1
end

for i = 3, #ARGV, 10 do
    local kind, team, queue, id = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local lane, entry, verdict = ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]
    local whole, answer = team .. ':' .. queue, 0
    if holds(consumer, whole, lane, entry) then
        take_off(whole, lane, entry)
        answer = 2
        if lives(kind, team, queue, id) then
            answer = 1
            if verdict == 'release' then
                give_back(kind, team, queue, id)
            else
                settle(kind, team, queue, id, verdict, now, ARGV[i + 7], now + tonumber(ARGV[i + 8]), ARGV[i + 9])
            end
        end
    end
    answers[#answers + 1] = answer
end
refresh_touched()
post_tallies()
return answers
