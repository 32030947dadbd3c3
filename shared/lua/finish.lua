#!lua flags=allow-oom
-- Record results and settle what was tried, all or nothing for each:  processing -> completed | failed | pending.
--
-- The fence: the entry must still be pending for this consumer. What was rescued has a new entry.
--
-- KEYS  prefix    ARGV  consumer, now ('' = server), then per work: kind, team, queue, id, lane, entry,
--                       verdict (complete|retry|dead|fail|release|postpone), run (JSON), retry or again after (ms), response
--                       (text), and of a failure: reason, facts (JSON); of what is postponed: `counted` if its
--                       wait shall end in minutes, what it waits for
-- Returns per work: 1 recorded, 2 dropped because it was deleted or is damaged, 0 not ours any more (nothing was changed).

local consumer, now, answers = ARGV[1], moment(ARGV[2]), {}
local WIDTH = 12

local MOST_HELD = 1000 -- of one consumer in one lane to be read at once
local held, done, living = {}, {}, {}

local function is_held(queue, lane, entry)
    local stream = P .. lane .. queue
    if done[stream .. entry] then return false end -- named twice, it counts once
    done[stream .. entry] = true
    if held[stream] == nil then
        held[stream] = #ARGV > 2 * WIDTH + 2 and all_held(consumer, stream, MOST_HELD) or false
    end
    if held[stream] then return held[stream][entry] ~= nil end
    return holds(consumer, queue, lane, entry) ~= nil
end

local function lives(kind, team, queue, id)
    if call('EXISTS', record_of(kind, team, id)) == 0 then return false end
    if kind ~= 'j' then return true end
    local record = P .. 'q:' .. team .. ':' .. queue
    if living[record] == nil then living[record] = call('EXISTS', record) == 1 end
    return living[record]
end

-- `at` is where the work stands in ARGV.
local function finish(at, kind, team, queue, id)
    if not lives(kind, team, queue, id) then return 2 end
    local verdict, due = ARGV[at + 6], now + tonumber(ARGV[at + 8])
    if kind ~= 'n' and (verdict == 'release' or verdict == 'postpone') then uncount_request(team) end
    if verdict == 'release' then
        give_back(kind, team, queue, id)
    elseif verdict == 'postpone' then
        postpone(kind, team, queue, id, due, ARGV[at + 11], ARGV[at + 10] == 'counted')
    else
        settle(kind, team, queue, id, { verdict = verdict, run = ARGV[at + 7], due = due, response = ARGV[at + 9],
            reason = ARGV[at + 10], facts = ARGV[at + 11] })
    end
    return 1
end

for i = 3, #ARGV, WIDTH do
    local kind, team, queue, id = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local lane, entry, answer = ARGV[i + 4], ARGV[i + 5], 0
    local whole = team .. ':' .. queue
    if is_held(whole, lane, entry) then
        take_off(whole, lane, entry)
        local is_done, found = pcall(finish, i, kind, team, queue, id)
        if not is_done then take_damage(team, kind .. ':' .. id, found) end
        answer = is_done and found or 2
    end
    answers[#answers + 1] = answer
end
conclude()
return answers
