-- Records of jobs (`j`), executions (`e`) and notices (`n`), the indexes that list them, what happened to them.
--
-- An index holds ids scored by themselves, one sorted set a state, and the states of one owner are disjoint:
-- pending, processing, completed, failed, and for jobs retrying and dead_lettered (both counted as failed).

local LEDGER_STATE = { retrying = 'failed', dead_lettered = 'failed' }
local NOUN = { j = 'job', e = 'execution', n = 'notice' }

-- Notices are nobody's to list: they have no index, no column in the ledger and no events.
local function event(name, team, ref)
    if string.sub(ref, 1, 1) == 'n' then return end
    call('XADD', P .. 'events', 'MAXLEN', '~', 10000, '*', 'v', 1, 'name', name, 'team', team, 'ref', ref)
end

local function indexes(kind, team, owner, state)
    if kind == 'e' then return { P .. 'x:' .. team .. ':c' .. owner .. ':' .. state } end
    return { P .. 'x:' .. team .. ':' .. state, P .. 'x:' .. team .. ':q' .. owner .. ':' .. state }
end

-- Move a record between the indexes and ledger columns of two states; nil is "not there".
local function move(kind, team, owner, id, from, to)
    if kind == 'n' then return end
    if from then
        for _, index in ipairs(indexes(kind, team, owner, from)) do call('ZREM', index, id) end
        tally(team, NOUN[kind] .. '.' .. (LEDGER_STATE[from] or from), -1)
    end
    if to then
        for _, index in ipairs(indexes(kind, team, owner, to)) do call('ZADD', index, id, id) end
        tally(team, NOUN[kind] .. '.' .. (LEDGER_STATE[to] or to), 1)
    end
end

local function due_member(kind, team, id)
    return string.format('%s:%s:%014d', kind, team, id) -- padded: jobs due at once go in the order of their ids
end

-- Move jobs whose time has come to their streams, oldest first. Returns the next due moment, or 0.
local function promote(now, limit)
    local due = call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, limit)
    for _, member in ipairs(due) do
        call('ZREM', P .. 'due', member)
        local kind, team, id = string.match(member, '^(%a):(%d+):0*(%d+)$')
        local record = kind and P .. kind .. ':' .. team .. ':' .. id
        local queue = record and call('HGET', record, 'queue')
        if queue then call('HSET', record, 'entry', push(team .. ':' .. queue, kind .. ':' .. id, READY)) end
    end
    if #due == limit then return now end
    local next_due = call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
    return next_due[2] and tonumber(next_due[2]) or 0
end

local function wait_until(kind, team, id, due)
    local member = due_member(kind, team, id)
    call('ZADD', P .. 'due', due, member)
    if call('ZRANK', P .. 'due', member) == 0 then tell_clock(member) end
end

-- Remove one job: its record, run, index rows and whatever would still start it. The request in flight may end.
local function remove_job(team, id)
    local record = P .. 'j:' .. team .. ':' .. id
    local fields = call('HMGET', record, 'queue', 'state', 'entry', 'lane')
    if not fields[1] then return end
    local queue, state, entry, lane = team .. ':' .. fields[1], fields[2], fields[3], fields[4] or READY
    if state == 'pending' then
        call('ZREM', P .. 'due', due_member('j', team, id))
        if entry and entry ~= '' then
            call('XDEL', P .. lane .. queue, entry)
            touched[queue] = true
        end
    end
    move('j', team, fields[1], id, state, nil)
    tally(team, 'job.deleted', 1)
    call('DEL', record, P .. 'r:' .. team .. ':j' .. id, P .. 'b:' .. team .. ':' .. id)
    event('job.deleted', team, 'j:' .. id)
end

-- A job goes with its whole chain: the original, its retries, and the one that still waits.
local function remove_chain(team, id)
    local fields = call('HMGET', P .. 'j:' .. team .. ':' .. id, 'queue', 'origin')
    if not fields[1] then return false end
    local first = fields[2] or id
    local retries = call('HGET', P .. 'j:' .. team .. ':' .. first, 'retries') or ''
    remove_job(team, first)
    for retry in string.gmatch(retries, '%d+') do remove_job(team, retry) end
    return true
end
