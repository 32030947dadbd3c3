-- Jobs: made once, whoever asks, and made anew of a dead letter.

-- A new job in a queue:  (nothing) -> pending. `given` is { spec = JSON, due (ms), callback = '1' or '', expires = ms or
-- '', and of a replay: replay_of = the old job, replay = the replay that made it, intent = the old job's }.
local function make_job(team, queue, given)
    local id = next_id(team, 'job')
    local record = { record_of('j', team, id), 'v', 1, 'queue', queue, 'state', 'pending', 'attempt', 1,
        'due', given.due, 'created', moment(), 'intent', given.intent or new_intent(), 'size', #given.spec }
    local function note(field, value)
        record[#record + 1] = field
        record[#record + 1] = value
    end
    if given.callback == '1' then note('callback', 'none') end
    if given.expires ~= '' then note('expires', given.expires) end
    if given.replay_of then note('replay_of', given.replay_of) end
    if given.replay then note('replay', given.replay) end
    if tonumber(given.due) > moment() then
        wait_until('j', team, id, given.due)
    else
        note('entry', push(team .. ':' .. queue, 'j:' .. id, READY))
        note_doubt('j', team, id)
    end
    call('HSET', unpack(record))
    call('SET', P .. 'b:' .. team .. ':' .. id, given.spec)
    if given.expires ~= '' then wait_until('x', team, id, given.expires) end
    move('j', team, queue, id, nil, 'pending')
    tally(team, 'job.accepted', 1)
    event('job.created', team, 'j:' .. id)
    return id
end

-- Try a dead letter again, by any id of its chain, as a fresh job; the old one is a failed job from then on, and names
-- the new one. Returns the new id; or nothing, and whether it is a dead letter whose request is lost.
local function replay_job(team, any, replay)
    local id = original_of(team, any)
    local record = record_of('j', team, id)
    local fields = fields_of(record, 'state', 'queue', 'callback', 'intent')
    if fields.state ~= 'dead_lettered' or call('EXISTS', P .. 'q:' .. team .. ':' .. fields.queue) == 0 then return end
    local spec = call('GET', P .. 'b:' .. team .. ':' .. id)
    if not spec then return nil, true end
    local new = make_job(team, fields.queue, { spec = spec, due = moment(), callback = fields.callback and '1' or '',
        expires = '', replay_of = id, replay = replay, intent = fields.intent })
    move('j', team, fields.queue, id, 'dead_lettered', 'failed')
    call('HSET', record, 'state', 'failed', 'final', 'dead_lettered', 'replayed_as', new)
    return new
end
