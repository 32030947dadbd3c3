-- Jobs: made once, whoever asks, and made anew of a dead letter.

-- A new job in a queue:  (nothing) -> pending. `new` is { spec = JSON, due (ms), has_callback = '1' or '',
-- expires_ms = when or '', key = text or '', and of a replay: replay_of = the old job, replay = the replay that made it, intent = the old
-- job's }.
local function make_job(team, queue, new)
    local number = next_id(team, 'job')
    local id = tostring(number) -- once: each text that a number becomes part of takes as long as a read
    local record = { record_of(JOB, team, id), 'v', '1', 'queue', queue, 'state', 'pending', 'attempt', '1',
        'due', new.due, 'created', moment(), 'intent', new.intent or new_intent(), 'size', #new.spec }
    local function note(field, value)
        record[#record + 1] = field
        record[#record + 1] = value
    end
    if new.has_callback == '1' then note('callback', 'none') end
    if new.expires_ms ~= '' then note('expires', new.expires_ms) end
    if new.replay_of then note('replay_of', new.replay_of) end
    if new.replay then note('replay', new.replay) end
    if given.maker then note('by', given.maker) end
    if tonumber(new.due) > moment() then
        wait_until(JOB, team, id, new.due)
    else
        if new.key == '' then note('entry', push(team .. ':' .. queue, 'j:' .. id, READY)) end
        note_doubt(JOB, team, id)
    end
    if new.key ~= '' then note('key', new.key) end
    call('HSET', unpack(record))
    if new.key ~= '' and tonumber(new.due) <= moment() then keyed.enter(team, queue, id, new) end
    call('SET', P .. 'b:' .. team .. ':' .. id, new.spec)
    if new.expires_ms ~= '' then wait_until(EXPIRY, team, id, new.expires_ms) end
    move(JOB, team, queue, id, nil, 'pending')
    tally(team, 'job.accepted', 1)
    event('job.created', team, 'j:' .. id)
    return number
end

-- Try a dead letter again, by any id of its chain, as a fresh job; the old one is a failed job from then on, and names
-- the new one. `change` is { spec = what is asked for instead, is_new = '1' if that is another intent }. Returns the new id;
-- or nothing, and whether it is a dead letter whose request is lost.
local function replay_job(team, any, replay, change)
    local id = original_of(team, any)
    local record = record_of(JOB, team, id)
    local fields = fields_of(record, 'state', 'queue', 'callback', 'intent', 'problem', 'key')
    if fields.state ~= 'dead_lettered' or call('EXISTS', P .. 'q:' .. team .. ':' .. fields.queue) == 0 then return end
    local spec = call('GET', P .. 'b:' .. team .. ':' .. id)
    if not spec then return nil, true end
    local intent = not (change and change.is_new == '1') and fields.intent or nil
    local new = make_job(team, fields.queue, { spec = change and change.spec or spec, due = moment(), expires_ms = '',
        has_callback = fields.callback and '1' or '', replay_of = id, replay = replay, intent = intent, key = fields.key or '' })
    problems.dead(team, fields.problem, id, false)
    move(JOB, team, fields.queue, id, 'dead_lettered', 'failed')
    call('HSET', record, 'state', 'failed', 'final', 'dead_lettered', 'replayed_as', new)
    return new
end
