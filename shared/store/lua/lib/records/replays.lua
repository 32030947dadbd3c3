-- Replays: dead letters that are tried again in the background, at a rate, until too many fail once more.

local function replay_of(team, id)
    return P .. 'replay:' .. team .. ':' .. id
end

-- A replay hands out nothing more:  collecting | trying | running -> finished | stopped | cancelled.
local function end_replay(team, id, state, reason)
    call('HSET', replay_of(team, id), 'state', state, 'reason', reason, 'ended', moment())
    call('SREM', P .. 'replays', team .. ':' .. id)
    call('DEL', P .. 'replay_ids:' .. team .. ':' .. id, P .. 'replay_change:' .. team .. ':' .. id)
end

-- Of the jobs that a replay made, those held back for their host are counted: each may yet turn out to fail.
local function count_waiting(team, id, by)
    local record = replay_of(team, id)
    if call('EXISTS', record) == 1 then call('HINCRBY', record, 'waiting', by) end
end

-- Count how the first attempt of a job went that a replay made; with too many failures the replay stops. By the one that was
-- sent first it goes on, or stops at once:  trying -> running | stopped.
local function count_replayed(team, id, verdict)
    local record = replay_of(team, id)
    local fields = fields_of(record, 'state', 'stop_after')
    if not fields.state then return end
    local went_well = verdict == 'complete'
    local count = call('HINCRBY', record, went_well and 'completed' or 'failed', 1)
    local is_open = fields.state == 'running' or fields.state == 'collecting'
    if fields.state == 'trying' and went_well then
        call('HSET', record, 'state', 'running', 'tokens', 1, 'at', vouched())
    elseif fields.state == 'trying' then
        end_replay(team, id, 'stopped', 'first_failed')
    elseif is_open and not went_well and count >= (tonumber(fields.stop_after) or math.huge) then
        end_replay(team, id, 'stopped', 'failures')
    end
end
