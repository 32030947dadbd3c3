-- Records of jobs (`j`), executions (`e`) and notices (`n`), and the indexes that list them.
--
-- An index holds ids scored by themselves, one sorted set a state, and the states of one owner are disjoint:
-- pending, processing, completed, failed, and for jobs retrying and dead_lettered (both counted as failed).

local LEDGER_STATE = { retrying = 'failed', dead_lettered = 'failed' }
local NOUN = { j = 'job', e = 'execution', n = 'notice' }
local OLDEST_NEWER = 2 -- records from this version on are another's to read

local function record_of(kind, team, id)
    return P .. kind .. ':' .. team .. ':' .. id
end

-- The first job of a chain, whose id is the chain's name; `id` may be any of its jobs.
local function original_of(team, id)
    return call('HGET', record_of('j', team, id), 'origin') or id
end

-- The last attempt of a chain: no other can still wait or run.
local function last_attempt_of(team, id)
    local first = original_of(team, id)
    return string.match(call('HGET', record_of('j', team, first), 'retries') or '', '(%d+),$') or first
end

local moves, last_move, left, entered

at_begin(function() moves, last_move, left, entered = {}, {}, {}, {} end)

local function place(move, state, is_in)
    local whole, own = P .. 'x:' .. move.team .. ':', move.kind == 'e' and 'c' or 'q'
    local command, changed = is_in and 'ZADD' or 'ZREM', is_in and move.scored or move.ids
    call_in_parts(changed, command, whole .. own .. move.owner .. ':' .. state)
    if move.kind == 'j' then call_in_parts(changed, command, whole .. state) end
    local field = NOUN[move.kind] .. '.' .. (LEDGER_STATE[state] or state)
    tally(move.team, field, is_in and #move.ids or -#move.ids)
end

local function write_move(move)
    for i, id in ipairs(move.ids) do
        move.scored[2 * i - 1], move.scored[2 * i] = id, id
    end
    if move.from then place(move, move.from, false) end
    if move.to then place(move, move.to, true) end
end

local function write_moves()
    for _, move in pairs(moves) do
        confined(move.team, move.kind == 'e' and 'c:' .. move.owner or move.team .. ':' .. move.owner, write_move, move)
    end
    moves, last_move, left, entered = {}, {}, {}, {}
end

-- Two moves of which one begins where the other ends may be of the same record, one after the other: what was
-- gathered before is written first. All others commute.
local function begin_move(kind, team, owner, from, to)
    local begins, ends = from or '', to or ''
    if entered[begins] or left[ends] then write_moves() end
    left[begins], entered[ends] = true, true
    return { kind = kind, team = team, owner = owner, from = from, to = to, ids = {}, scored = {} }
end

-- Move a record between the indexes and ledger columns of two states; nil is "not there".
local function move(kind, team, owner, id, from, to)
    if kind == 'n' or from == to then return end
    local last = last_move
    if last.from ~= from or last.to ~= to or last.owner ~= owner or last.kind ~= kind or last.team ~= team then
        local key = kind .. team .. ':' .. owner .. ':' .. (from or '') .. ':' .. (to or '')
        last = moves[key] or begin_move(kind, team, owner, from, to)
        moves[key], last_move = last, last
    end
    last.ids[#last.ids + 1] = id
end

-- Take waiting work out of whatever would start it.
local function unqueue(kind, team, queue, id, lane, entry)
    call('ZREM', P .. 'due', due_member(kind, team, id))
    if entry and entry ~= '' then
        call('XDEL', P .. (lane or READY) .. team .. ':' .. queue, entry)
        touched[team .. ':' .. queue] = true
    end
end

local function forget_expiry(team, id)
    call('ZREM', P .. 'due', due_member('x', team, id))
end

-- Remove one job: its record, run, index rows and whatever would still start it. The request in flight may end.
local function remove_job(team, id)
    local record = record_of('j', team, id)
    local fields = fields_of(record, 'queue', 'state', 'entry', 'lane', 'expires', 'replay', 'held_since', 'size')
    if not fields.queue then return end
    if fields.state == 'pending' then unqueue('j', team, fields.queue, id, fields.lane, fields.entry) end
    if fields.expires then forget_expiry(team, id) end
    if fields.replay and fields.held_since then count_waiting(team, fields.replay, -1) end
    move('j', team, fields.queue, id, fields.state, nil)
    tally(team, 'job.deleted', 1)
    local is_open = fields.state == 'pending' or fields.state == 'processing'
    if not is_open then tally(team, 'bytes', -(fields.size or 0)) end
    call('DEL', record, P .. 'r:' .. team .. ':j' .. id, P .. 'b:' .. team .. ':' .. id)
    event('job.deleted', team, 'j:' .. id)
end

-- A job goes with its whole chain: the original, its retries, and the one that still waits.
local function remove_chain(team, id)
    local fields = fields_of(record_of('j', team, id), 'queue', 'origin')
    if not fields.queue then return 0 end
    local first, removed = fields.origin or id, 1
    local retries = call('HGET', record_of('j', team, first), 'retries') or ''
    remove_job(team, first)
    for retry in string.gmatch(retries, '%d+') do
        remove_job(team, retry)
        removed = removed + 1
    end
    return removed
end

local function remove_execution(team, cron, id, state)
    move('e', team, cron, id, state, nil)
    tally(team, 'execution.deleted', 1)
    tally(team, 'bytes', -(call('HGET', record_of('e', team, id), 'size') or 0))
    call('DEL', record_of('e', team, id), P .. 'r:' .. team .. ':e' .. id)
end
