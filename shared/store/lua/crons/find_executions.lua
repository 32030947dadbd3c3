#!lua flags=no-writes
-- Find the executions of a cron that stand for an instant in a range; ids and instants grow together, nearly.
--
-- Given the team, the cron, from_ms, to_ms, `most` (of each state).
-- Returns the changes of its schedule (JSON, oldest first), then per execution: id, its fields, run (JSON or nothing).

local RUN_BYTES = 4096 -- of each run: what became of it stands there, and not what was sent and answered
local DISPLACED = 8 -- rows that one which was made out of turn may stand from its place
local team, cron, rows = given.team, given.cron, {}
local from, to, most = tonumber(given.from_ms), tonumber(given.to_ms), tonumber(given.most)

local function due_of(id)
    return tonumber(call('HGET', record_of(EXECUTION, team, id), 'due') or 0)
end

-- The first rank of an index whose execution was due at `from` or later.
local function rank_of(index)
    local low, high = 0, call('ZCARD', index)
    while low < high do
        local middle = math.floor((low + high) / 2)
        if due_of(call('ZRANGE', index, middle, middle)[1]) < from then low = middle + 1 else high = middle end
    end
    return low
end

for _, state in ipairs(STATES.execution) do
    local index = P .. 'x:' .. team .. ':c' .. cron .. ':' .. state
    local first = math.max(0, rank_of(index) - DISPLACED)
    for _, id in ipairs(call('ZRANGE', index, first, first + most + 2 * DISPLACED)) do
        local span = fields_of(record_of(EXECUTION, team, id), 'first', 'due')
        if span.due and tonumber(span.due) >= from and tonumber(span.first or span.due) <= to then
            rows[#rows + 1] = { id, call('HGETALL', record_of(EXECUTION, team, id)),
                beginning_in(P .. 'r:' .. team .. ':e' .. id, RUN_BYTES, RUN_BEGINS) }
        end
    end
end
return { call('LRANGE', P .. 'log:' .. team .. ':' .. cron, 0, -1), rows }
