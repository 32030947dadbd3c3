#!lua flags=allow-oom
-- Record results and settle what was tried, all or nothing for each:  processing -> completed | failed | pending.
--
-- The fence: the entry must still be pending for this consumer. What was rescued has a new entry.
--
-- Given the consumer, now_ms; and rows: entries with a verdict (complete, retry, dead, fail, release or postpone), `run`
-- (JSON), of a request `waited_ms` and `took_ms`, and `detail`, 1 where what most have none of follows: `after_ms` (of a retry or what
-- is postponed), `response` (text), and of a failure: `reason`, `facts` (JSON); of what is postponed: `counted` as the reason if its
-- wait shall end in minutes, and what it waits for; of a request its `target`, host and path without ids, if it failed, or its queue
-- was said to be watched.
-- Returns per work: 1 recorded, 2 dropped because it was deleted or is damaged, 0 not ours any more (nothing was changed).

local FINISHED = { 'kind', 'team', 'queue', 'id', 'lane', 'entry', 'verdict', 'run', 'waited_ms', 'took_ms', 'detail' }
local DETAIL = { 'after_ms', 'response', 'reason', 'facts', 'target' }
local consumer, now, answers, is_batch = given.consumer, moment(given.now_ms), {}, #ARGV > cursor + 2 * #FINISHED

local NOT_TRIED = { release = give_back, postpone = postpone }
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

local function is_queue_there(team, queue)
    local record = P .. 'q:' .. team .. ':' .. queue
    if living[record] == nil then living[record] = call('EXISTS', record) == 1 end
    return living[record]
end

local function finish(kind, team, queue, id, result)
    local go_back = NOT_TRIED[result.verdict]
    if kind == JOB and not is_queue_there(team, queue) then return 2 end
    if kind == JOB and not go_back then return settle(kind, team, queue, id, result) and 1 or 2 end -- it looks whether the job is there
    if call('EXISTS', record_of(kind, team, id)) == 0 then return 2 end
    if not go_back then
        settle(kind, team, queue, id, result)
        return 1
    end
    if kind ~= NOTICE then uncount_request(team) end
    go_back(kind, team, queue, id, result)
    return 1
end

-- What became of one, as `verdicts.lua` has it.
local function result_of(verdict, run, waited, took, detail)
    local after_ms, response, reason, facts, target = 0, '', '', '', ''
    if detail ~= '' then after_ms, response, reason, facts, target = next_values(DETAIL) end
    return { verdict = verdict, run = run, waited = waited, took = took, due = now + tonumber(after_ms), response = response,
        reason = reason, facts = facts, target = target }
end

while more_rows() do
    local kind, team, queue, id, lane, entry, verdict, run, waited, took, detail = next_values(FINISHED)
    local whole, result, answer = team .. ':' .. queue, result_of(verdict, run, waited, took, detail), 0
    if is_in_flight(whole, lane, entry) then
        take_off(whole, lane, entry)
        local is_done, found = pcall(finish, kind, team, queue, id, result)
        if not is_done then take_damage(team, kind .. ':' .. id, found) end
        answer = is_done and found or 2
    end
    answers[#answers + 1] = answer
end
conclude()
return answers
