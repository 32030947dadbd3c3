#!lua flags=allow-oom
-- Give the work of a lost worker back to the others:  processing -> pending, or dead after three lost workers.
--
-- KEYS  prefix    ARGV  now ('' = server), workers it may lose, run that says so (JSON), then per work: team:queue,
--                       lane, entry, consumer, beats as last seen
-- Returns how many were given back or declared dead.

local now, patience, rescued = moment(ARGV[1]), tonumber(ARGV[2]), 0

local function ref_of(queue, lane, entry)
    local found = (call('XRANGE', P .. lane .. queue, entry, entry)[1] or {})[2]
    return found and found[2] or ''
end

local function rescue(queue, lane, entry, ref)
    local kind, id = string.match(ref, '^(%a):(%d+)$')
    local team, qid = string.match(queue, '^(%d+):(.+)$')
    local record = kind and record_of(kind, team, id)
    take_off(queue, lane, entry)
    if not record or call('HGET', record, 'state') ~= 'processing' then return false end
    if kind == 'j' and call('EXISTS', P .. 'q:' .. queue) == 0 then return false end
    if call('HINCRBY', record, 'lost', 1) < patience then
        give_back(kind, team, qid, id)
    else
        settle(kind, team, qid, id, { verdict = 'dead', run = ARGV[3], due = now, reason = 'unknown' })
    end
    return true
end

for i = 4, #ARGV, 5 do
    local queue, lane, entry, consumer = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local has_not_moved = holds(consumer, queue, lane, entry) == tonumber(ARGV[i + 4])
    if has_not_moved then
        local team = team_of(queue) or ''
        local read, ref = confined(team, queue, ref_of, queue, lane, entry)
        local done, was_rescued = confined(team, ref or queue, rescue, queue, lane, entry, read and ref or '')
        if done and was_rescued then rescued = rescued + 1 end
    end
end
conclude()
return rescued
