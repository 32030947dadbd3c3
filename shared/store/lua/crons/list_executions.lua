#!lua flags=no-writes
-- Read executions of all crons of a team, latest moment first: those in a range of a list, or given ones.
--
-- Given the team, `which` of the lists (empty: all; or `:failed`, `:skipped`, `:late`), from_ms, to_ms, `offset`, `count`,
-- `most_bytes` (of a run, 0 = any; nothing: none, and only what they are filtered by), `searched` (of fields what a search looks
-- at); or else ids.
-- Returns how many the range has, then per execution that is there: id, its fields, name of its cron, run (JSON or nothing).
-- One whose cron was deleted is left out.

local LOOKED_AT = { 'cron', 'due', 'created', 'skip_reason', 'backfill', 'intent', 'state' }
local team, most, rows, total = given.team, tonumber(given.most_bytes or ''), {}, 0
local ids = given_list()

if given.which then
    local list = P .. 'x:' .. team .. ':executions' .. given.which
    total = call('ZCOUNT', list, given.from_ms, given.to_ms)
    local later, offset = call('ZCOUNT', list, '(' .. given.to_ms, '+inf'), tonumber(given.offset)
    local count = math.min(tonumber(given.count), total - offset)
    ids = count > 0 and call('ZREVRANGE', list, later + offset, later + offset + count - 1) or {}
end

local function read(id)
    local record = P .. 'e:' .. team .. ':' .. id
    local state, cron, due = values_of(record, 'state', 'cron', 'due')
    local name = cron and call('HGET', P .. 'c:' .. team .. ':' .. cron, 'name')
    if not state or not name then return end
    local fields = most and not given.searched and call('HGETALL', record) or { 'state', state, 'cron', cron, 'due', due }
    if given.searched then fields = looks.flat(fields_of(record, unpack(LOOKED_AT))) end
    rows[#rows + 1] = { id, fields, name, most and beginning_in(P .. 'r:' .. team .. ':e' .. id, most, RUN_BEGINS) }
end

for _, id in ipairs(ids) do read(id) end
return { total, rows }
