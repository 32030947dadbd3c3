#!lua flags=no-writes
-- Find the executions of a cron that stand for an instant in a range; ids and instants grow together, nearly, but for those of
-- backfills, which are listed by their instants.
--
-- Given the team, the cron, from_ms, to_ms, `most` (of each state).
-- Returns the changes of its schedule (JSON, oldest first), then per execution: id, its fields, run (JSON or nothing).

local RUN_BYTES = 4096 -- of each run: what became of it stands there, and not what was sent and answered
local DISPLACED = 8 -- rows that one which was made out of turn may stand from its place
local MOST_WALKED = 4 -- steps over what backfills made between those of the schedule
local team, cron, rows = given.team, given.cron, {}
local from, to, most = tonumber(given.from_ms), tonumber(given.to_ms), tonumber(given.most)

local function add(id)
    rows[#rows + 1] = { id, call('HGETALL', record_of(EXECUTION, team, id)),
        beginning_in(P .. 'r:' .. team .. ':e' .. id, RUN_BYTES, RUN_BEGINS) }
end

-- Those of an index from a rank on, and the rank to go on from, if all were of backfills.
local function walk(index, first)
    local ids, all_backfilled = call('ZRANGE', index, first, first + most + 2 * DISPLACED), true
    for _, id in ipairs(ids) do
        local span = fields_of(record_of(EXECUTION, team, id), 'first', 'due', 'backfill')
        all_backfilled = all_backfilled and span.backfill
        if not span.backfill and span.due and tonumber(span.due) >= from and tonumber(span.first or span.due) <= to then add(id) end
    end
    return #ids > 0 and all_backfilled and first + #ids
end

for _, state in ipairs(STATES.execution) do
    local index, walked = P .. 'x:' .. team .. ':c' .. cron .. ':' .. state, 0
    local rank = math.max(0, backfills.rank(team, index, from) - DISPLACED)
    repeat
        rank, walked = walk(index, rank), walked + 1
    until not rank or walked > MOST_WALKED
end
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':c' .. cron .. ':backfilled', from, to, 'LIMIT', 0, most)) do add(id) end
return { call('LRANGE', P .. 'log:' .. team .. ':' .. cron, 0, -1), rows }
