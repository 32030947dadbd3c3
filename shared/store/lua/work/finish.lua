#!lua flags=allow-oom
-- Record results and settle what was tried, all or nothing for each:  processing -> completed | failed | pending.
--
-- The fence: the entry must still be pending for this consumer. What was rescued has a new entry.
--
-- Given the consumer, now_ms; and rows: entries with a verdict (complete, retry, dead, fail, release or postpone), `run`
-- (JSON), `after_ms` (of a retry or what is postponed), `response` (text), and of a failure: `reason`, `facts` (JSON); of what
-- is postponed: `counted` as the reason if its wait shall end in minutes, and what it waits for; of a request `waited_ms`,
-- `took_ms`, and its `target`, host and path without ids, if it failed, or its queue was said to be watched.
-- Returns per work: 1 recorded, 2 dropped because it was deleted or is damaged, 0 not ours any more (nothing was changed).

local FINISHED = { 'kind', 'team', 'queue', 'id', 'lane', 'entry', 'verdict', 'run', 'after_ms', 'response', 'reason', 'facts',
    'waited_ms', 'took_ms', 'target' }
local consumer, now, answers, is_batch = given.consumer, moment(given.now_ms), {}, #ARGV > cursor + 2 * #FINISHED

local MOST_IN_FLIGHT = 1000 -- of one consumer in one lane to be read at once
local in_flight, done, living = {}, {}, {}

local function is_in_flight(queue, lane, entry)
    local stream = P .. lane .. queue
    if done[stream .. entry] then return false end -- named twice, it counts once
    done[stream .. entry] = true
    if in_flight[stream] == nil then
        in_flight[stream] = is_batch and all_in_flight(consumer, stream, MOST_IN_FLIGHT) or false
    end
    if in_flight[stream] then return in_flight[stream][entry] ~= nil end
    return holds(consumer, queue, lane, entry) ~= nil
end

local function lives(kind, team, queue, id)
    if call('EXISTS', record_of(kind, team, id)) == 0 then return false end
    if kind ~= JOB then return true end
    local record = P .. 'q:' .. team .. ':' .. queue
    if living[record] == nil then living[record] = call('EXISTS', record) == 1 end
    return living[record]
end

local function finish(kind, team, queue, id, result)
    if not lives(kind, team, queue, id) then return 2 end
    local verdict = result.verdict
    if kind ~= NOTICE and (verdict == 'release' or verdict == 'postpone') then uncount_request(team) end
    if verdict == 'release' then
        give_back(kind, team, queue, id)
    elseif verdict == 'postpone' then
        postpone(kind, team, queue, id, result)
    else
        settle(kind, team, queue, id, result)
    end
    return 1
end

while more_rows() do
    local kind, team, queue, id, lane, entry, verdict, run, after_ms, response, reason, facts, waited, took, target =
        next_values(FINISHED)
    local whole, answer = team .. ':' .. queue, 0
    if is_in_flight(whole, lane, entry) then
        take_off(whole, lane, entry)
        local is_done, found = pcall(finish, kind, team, queue, id, { verdict = verdict, run = run,
            due = now + tonumber(after_ms), response = response, reason = reason, facts = facts,
            waited = waited, took = took, target = target })
        if not is_done then take_damage(team, kind .. ':' .. id, found) end
        answer = is_done and found or 2
    end
    answers[#answers + 1] = answer
end
conclude()
return answers
