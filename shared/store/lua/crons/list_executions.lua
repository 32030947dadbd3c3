#!lua flags=no-writes
-- Read executions of all crons of a team, latest moment first: those in a range of a list, or given ones.
--
-- Given the team, `which` of the lists (empty: all; or `:failed`, `:skipped`, `:late`), from_ms, to_ms, `offset`, `count`,
-- `most_bytes` (of a run, 0 = any; nothing: none, and only what they are filtered by), `searched` (of fields what a search looks
-- at), `run_text` (that the run of what is searched for has in lower case, or nothing), `run_place`, `run_least` and `run_most`
-- (bounds of a number of that run, or nothing); or else ids.
-- Returns how many the range has; per execution that is there: id, its fields, name of its cron, run (JSON or nothing); and how many
-- were looked at, which may be fewer where a search reads long runs. One whose cron was deleted is left out, and so is what has
-- not that run, but the last: it says how far the search came.

local LOOKED_AT = { 'cron', 'due', 'state' }
if given.searched then LOOKED_AT = { 'cron', 'due', 'created', 'skip_reason', 'backfill', 'intent', 'state' } end
local team, most, rows, total = given.team, tonumber(given.most_bytes or ''), {}, 0
local ids = given_list()

if given.which then
    local list = P .. 'x:' .. team .. ':executions' .. given.which
    total = call('ZCOUNT', list, given.from_ms, given.to_ms)
    local later, offset = call('ZCOUNT', list, '(' .. given.to_ms, '+inf'), tonumber(given.offset)
    local count = math.min(tonumber(given.count), total - offset)
    ids = count > 0 and call('ZREVRANGE', list, later + offset, later + offset + count - 1) or {}
end

local names = {}
local finds = looks.finder(given.run_text)
local may_be_run = looks.of_runs(finds, given.run_place, given.run_least, given.run_most)

local function name_of(cron)
    if names[cron] == nil then names[cron] = call('HGET', P .. 'c:' .. team .. ':' .. cron, 'name') end
    return names[cron]
end

local function read(id, run)
    local record = P .. 'e:' .. team .. ':' .. id
    local fields = fields_of(record, unpack(LOOKED_AT))
    local name = fields.cron and name_of(fields.cron)
    if not fields.state or not name then return false end
    local shown = most and not given.searched and call('HGETALL', record) or looks.flat(fields)
    rows[#rows + 1] = { id, shown, name, run }
    return true
end

local function see(n, run)
    if not may_be_run or may_be_run(run) then read(ids[n], run) end
    return 0
end

local looked, keys = #ids, {}
if most and given.searched then
    for n, id in ipairs(ids) do keys[n] = P .. 'r:' .. team .. ':e' .. id end
    looked = looks.texts(keys, most, RUN_BEGINS, finds, see)
else
    for _, id in ipairs(ids) do read(id, most and beginning_in(P .. 'r:' .. team .. ':e' .. id, most, RUN_BEGINS)) end
end
local n = looked
while may_be_run and n > 0 and (rows[#rows] or {})[1] ~= ids[n] and not read(ids[n], false) do n = n - 1 end
return { total, rows, looked }
