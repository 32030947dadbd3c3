#!lua
-- Replay as many of a replay's dead letters as its rate allows by now; however many schedulers step, together no more. One
-- that sends one first waits for it:  trying -> stopped, if that one is gone.
--
-- Given `team`, `replay`, `most` of them, now_ms; and if it changes requests rows of its next dead letters: `id`, `spec`
-- (JSON, what is asked for instead, or '' where it cannot be changed), `was` (SHA-1 of what that was made of), `is_new` (1 if
-- it is another intent, or ''), `rules` (what is not kept of its queue's requests, as that was known: JSON, or '').
-- Returns how many dead letters are left to it; or, if it needs rows, how many at most, below 0.

local CHANGED_REQUEST = { 'id', 'spec', 'was', 'is_new', 'rules' }
local COLLECTING_MS = 60000 -- from one batch of ids to the next; then whoever collected them is gone
local team, id = given.team, given.replay
local now = math.min(moment(given.now_ms), vouched())
local record, ids = replay_of(team, id), P .. 'replay_ids:' .. team .. ':' .. id
local fields = fields_of(record, 'state', 'rate', 'at', 'tokens', 'stop_after', 'failed', 'waiting', 'changes', 'first_job')
local is_trying = fields.state == 'trying'
if fields.state == 'collecting' then
    if now - tonumber(fields.at) > COLLECTING_MS then end_replay(team, id, 'cancelled', 'interrupted') end
    return 0
elseif fields.state ~= 'running' and not is_trying then
    call('SREM', P .. 'replays', team .. ':' .. id)
    return 0
elseif is_trying and fields.first_job then
    -- How it went is counted as it ends, and then this replay tries no more: unless somebody cancelled or deleted it.
    local state = call('HGET', record_of(JOB, team, fields.first_job), 'state')
    if state ~= 'pending' and state ~= 'processing' then end_replay(team, id, 'stopped', 'first_gone') end
    return 0
end
-- A bucket that a second fills, and not more: after a pause it goes on at its rate. A clock set back fills nothing.
local rate = tonumber(fields.rate)
local tokens = math.min(math.max(1, rate), tonumber(fields.tokens) + math.max(0, now - tonumber(fields.at)) * rate / 1000)
local allowed, replayed, skipped = math.min(math.floor(tokens), tonumber(given.most)), 0, 0
-- As many as may fail wait for their hosts: how those end is awaited.
if fields.failed + (fields.waiting or 0) >= (tonumber(fields.stop_after) or math.huge) then allowed = 0 end
if is_trying then allowed = 1 end
if fields.changes and allowed > 0 and not more_rows() and call('EXISTS', ids) == 1 then return -allowed end
promote(moment(), 500) -- whatever fell due before goes before

-- The rows that are still about the next ones, and made of what is stored and by what is not kept now: others may have been faster.
local function still_next()
    local rows, rules = {}, {}
    for place, job in ipairs(allowed > 0 and call('LRANGE', ids, 0, allowed - 1) or {}) do
        local row = more_rows() and next_row(CHANGED_REQUEST)
        if not row or row.id ~= job then break end
        local first = original_of(team, job)
        local spec, queue = call('GET', P .. 'b:' .. team .. ':' .. first), call('HGET', record_of(JOB, team, first), 'queue') or ''
        rules[queue] = rules[queue] or rules_of(team, queue)
        if rules[queue] ~= row.rules then break end
        if row.spec ~= '' and (not spec or redis.sha1hex(spec) ~= row.was) then break end
        rows[place] = row
    end
    if #rows > 0 then call('LPOP', ids, #rows) end
    return rows
end

local function hand_out(job, change)
    local new = (not change or change.spec ~= '') and replay_job(team, job, id, change)
    if not new then
        skipped = skipped + 1
        return
    end
    replayed = replayed + 1
    if is_trying then call('HSET', record, 'first_job', new) end
end

if fields.changes then
    for _, row in ipairs(still_next()) do hand_out(row.id, row) end
else
    for _, job in ipairs(allowed > 0 and call('LPOP', ids, allowed) or {}) do hand_out(job) end
end
call('HINCRBY', record, 'replayed', replayed)
call('HINCRBY', record, 'skipped', skipped)
call('HSET', record, 'at', now, 'tokens', tostring(tokens - replayed - skipped))
local remaining = call('LLEN', ids)
local is_tried = is_trying and replayed > 0
if remaining == 0 and not is_tried then end_replay(team, id, 'finished', '') end
conclude()
return is_tried and 0 or remaining
