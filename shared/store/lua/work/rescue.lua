#!lua flags=allow-oom
-- Give the work of a lost worker back to the others:  processing -> pending, or dead after three lost workers.
--
-- Given `patience` (workers that it may lose), `run` that says so (JSON); and rows: entries that are lost.
-- Returns how many were given back or declared dead.

local IN_FLIGHT = { 'queue', 'lane', 'entry', 'consumer', 'beats' }
local now, patience, rescued = moment(), tonumber(given.patience), 0

local function ref_of(queue, lane, entry)
    local found = (call('XRANGE', P .. lane .. queue, entry, entry)[1] or {})[2]
    return found and found[2] or ''
end

local function rescue(its, ref)
    local kind, id = string.match(ref, '^(%a):(%d+)$')
    local team, name = string.match(its.queue, '^(%d+):(.+)$')
    local record = kind and record_of(kind, team, id)
    take_off(its.queue, its.lane, its.entry)
    if not record or call('HGET', record, 'state') ~= 'processing' then return false end
    if kind == JOB and call('EXISTS', P .. 'q:' .. its.queue) == 0 then return false end
    if call('HINCRBY', record, 'lost', 1) < patience then
        give_back(kind, team, name, id)
    else
        settle(kind, team, name, id, { verdict = 'dead', run = given.run, due = now, reason = 'unknown' })
    end
    return true
end

while more_rows() do
    local its = next_row(IN_FLIGHT)
    local has_not_moved = holds(its.consumer, its.queue, its.lane, its.entry) == tonumber(its.beats)
    if has_not_moved then
        local team = team_of(its.queue) or ''
        local read, ref = confined(team, its.queue, ref_of, its.queue, its.lane, its.entry)
        local done, was_rescued = confined(team, ref or its.queue, rescue, its, read and ref or '')
        if done and was_rescued then rescued = rescued + 1 end
    end
end
conclude()
return rescued
