-- Replays: dead letters that are tried again in the background, at a rate, until too many fail once more.

local function replay_of(team, id)
    return P .. 'replay:' .. team .. ':' .. id
end

-- A replay hands out nothing more:  collecting | running -> finished | stopped | cancelled.
local function end_replay(team, id, state)
    call('HSET', replay_of(team, id), 'state', state, 'ended', moment())
    call('SREM', P .. 'replays', team .. ':' .. id)
    call('DEL', P .. 'replay_ids:' .. team .. ':' .. id)
end

-- Of the jobs that a replay made, those held back for their host are counted: each may yet turn out to fail.
local function count_waiting(team, id, by)
    local record = replay_of(team, id)
    if call('EXISTS', record) == 1 then call('HINCRBY', record, 'waiting', by) end
end

-- Count how the first attempt of a job went that a replay made; with too many failures the replay stops.
local function count_replayed(team, id, verdict)
    local record = replay_of(team, id)
    if call('EXISTS', record) == 0 then return end
    if verdict == 'complete' then return call('HINCRBY', record, 'completed', 1) end
    local failed, fields = call('HINCRBY', record, 'failed', 1), fields_of(record, 'state', 'stop_after')
    local is_open = fields.state == 'running' or fields.state == 'collecting'
    if is_open and failed >= (tonumber(fields.stop_after) or math.huge) then end_replay(team, id, 'stopped') end
end
