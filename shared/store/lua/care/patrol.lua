#!lua flags=allow-oom
-- Hold the records of an index against everything that should know them, and mend what the records prove.
--
-- Work that nothing would ever start is put back into its stream or among the due; a row without a record, or in
-- the index of another state, goes where its record says. The ledger follows with `recount`.
--
-- Given the team, `kind` (j|e), now_ms; the index below x:<team>:, its state, `after` (an id) and `most`, or else the ids to
-- look at.
-- Returns the last id looked at (0 = the index is through) and what was mended: kind:id.

local now, team, kind = math.min(moment(given.now_ms), vouched()), given.team, given.kind
local index, state, most = given.index and P .. 'x:' .. team .. ':' .. given.index, given.state, tonumber(given.most)
local mended, chosen = {}, given_list()
local are_chosen = #chosen > 0

local function put_back(record, queue, id, fields, lane)
    local due, awaits = tonumber(fields.due), fields.awaits
    call('HSET', record, 'state', 'pending')
    if due > now or awaits then
        call('HSET', record, 'entry', '')
        wait_until(kind, team, id, awaits or due)
    elseif fields.key then
        keyed.enter(team, fields.queue, id, fields)
    else
        call('HSET', record, 'entry', push(queue, kind .. ':' .. id, lane), 'lane', lane)
    end
end

-- Whether the entry is there, and delivered to somebody.
local function entry_of(stream, entry)
    if #call('XRANGE', stream, entry, entry) == 0 then return false, false end
    local pending = redis.pcall('XPENDING', stream, 'workers', entry, entry, 1)
    return true, not pending.err and pending[1] ~= nil
end

-- Whether it is the execution that starts when the others of its cron have ended, and they have not.
local function waits_in_line(fields, id)
    local cron = kind == EXECUTION and fields.cron
    if not cron or call('HGET', P .. 'c:' .. team .. ':' .. cron, 'queued') ~= id then return false end
    if count_open(team, cron) > 1 then return true end
    call('HDEL', P .. 'c:' .. team .. ':' .. cron, 'queued')
    return false
end

-- Whether a pending or processing record will still be started or finished by somebody.
local function is_lost(fields, queue, id)
    local entry, lane = fields.entry or '', fields.lane or READY
    if entry == '' and waits_in_line(fields, id) then return false end
    if entry == '' then return not call('ZSCORE', P .. 'due', due_member(kind, team, id)) end
    if lane == keyed.LANE then return not call('ZSCORE', P .. 'rooms:' .. queue, entry) end
    return not entry_of(P .. lane .. queue, entry) -- what is there but not delivered will be, again
end

local function check_rows(owner, id, actual)
    local own = P .. 'x:' .. team .. (kind == EXECUTION and ':c' or ':q') .. owner .. ':'
    local right = true
    for _, base in ipairs(kind == JOB and { P .. 'x:' .. team .. ':', own } or { own }) do
        if not call('ZSCORE', base .. actual, id) then
            change_index(base .. actual, id, true)
            right = false
        end
        if actual ~= state then
            change_index(base .. state, id, false)
            right = false
        end
    end
    return right
end

-- Whether the dead letters of its problem, or of the one whose list is walked, have it or not as its record says.
local function is_filed(fields, id, actual)
    local of, walked, right = fields.problem or '', string.match(given.index or '', '^p(%d+):'), true
    local is_dead = actual == 'dead_lettered' and problems.read(team, of) ~= nil
    if walked and (walked ~= of or not is_dead) then
        problems.dead(team, walked, id, false)
        right = false
    end
    if of == '' or problems.has_dead(team, of, id) == is_dead then return right end
    problems.dead(team, of, id, is_dead)
    return false
end

local known = {}
for _, each in ipairs(STATES[NOUN[kind]]) do known[each] = true end

local function check(id)
    local record = record_of(kind, team, id)
    local fields = fields_of(record, 'state', 'queue', 'cron', 'entry', 'lane', 'due', 'v', 'awaits', 'problem', 'key')
    if (tonumber(fields.v) or 0) >= OLDEST_NEWER then return true end
    if not fields.state then
        change_index(index, id, false)
        return false
    end
    if not known[fields.state] then error('its state is ' .. fields.state .. ', which is none', 0) end
    local queue = team .. ':' .. (fields.queue or 'crons')
    local actual, right = fields.state, true
    if are_chosen then state = actual end
    local is_open = actual == 'pending' or actual == 'processing'
    if is_open and is_lost(fields, queue, id) and not is_damaged(kind .. ':' .. team .. ':' .. id) then
        put_back(record, queue, id, fields, actual == 'pending' and READY or FRONT)
        figures.moved(team, kind == EXECUTION and 'crons' or fields.queue, actual, 'pending', 1)
        actual, right = 'pending', false
    end
    if is_open and fields.key then keyed.mend(queue, fields.key, actual == 'processing' and fields.entry) end
    touched[queue] = true
    if kind == JOB and not is_filed(fields, id, actual) then right = false end
    return check_rows(fields.cron or fields.queue, id, actual) and right
end

local ids = are_chosen and chosen or call('ZRANGEBYSCORE', index, '(' .. given.after, '+inf', 'LIMIT', 0, most)
for _, id in ipairs(ids) do
    local done, right = confined(team, kind .. ':' .. id, check, id)
    if done and not right then mended[#mended + 1] = kind .. ':' .. id end
end
conclude()
return { not are_chosen and #ids == most and tonumber(ids[#ids]) or 0, mended }
