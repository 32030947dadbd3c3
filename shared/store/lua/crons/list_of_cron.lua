#!lua flags=no-writes
-- Find the executions of one cron whose moment is in a range, latest moment first; ids and moments of a cron grow together,
-- nearly.
--
-- Given the team, the cron, from_ms, to_ms, `most` (of each state to be looked at); and states.
-- Returns the moment (ms) of the last one looked at of a state that had more (0 = all were looked at), then the ids.

local DISPLACED = 8 -- rows that one which was made out of turn may stand from its place
local team, most, ended, found = given.team, tonumber(given.most), 0, {}
local from, to = tonumber(given.from_ms), tonumber(given.to_ms)

local function due_of(id)
    return tonumber(call('HGET', record_of(EXECUTION, team, id), 'due') or 0)
end

-- How many of an index are no later than `to`.
local function count_until(index)
    local low, high = 0, call('ZCARD', index)
    while low < high do
        local middle = math.floor((low + high) / 2)
        if due_of(call('ZRANGE', index, middle, middle)[1]) <= to then low = middle + 1 else high = middle end
    end
    return low
end

local function look(index)
    local last, earlier, due = count_until(index) + DISPLACED, 0, nil
    local ids = call('ZRANGE', index, math.max(0, last - most), last)
    for i = #ids, 1, -1 do
        due = due_of(ids[i])
        if due >= from and due <= to then found[#found + 1] = { tonumber(ids[i]), due } end
        earlier = due < from and earlier + 1 or 0
        if earlier > DISPLACED then return end
    end
    if last > most then ended = math.max(ended, due) end
end

for _, state in ipairs(given_list()) do look(P .. 'x:' .. team .. ':c' .. given.cron .. ':' .. state) end
table.sort(found, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] > b[1]) end)
local answer = { ended }
for _, one in ipairs(found) do
    if one[2] >= ended then answer[#answer + 1] = one[1] end
end
return answer
