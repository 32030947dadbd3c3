#!lua flags=no-writes
-- Find the executions of one cron whose moment is in a range, latest moment first; ids and moments of a cron grow together,
-- nearly.
--
-- Given the team, the cron, from_ms, to_ms, `most` (of each state to be looked at); and states.
-- Returns the moment (ms) of the last one looked at of a state that had more (0 = all were looked at), then the ids.

local DISPLACED = 8 -- rows that one which was made out of turn may stand from its place
local team, most, ended, found = given.team, tonumber(given.most), 0, {}
local from, to = tonumber(given.from_ms), tonumber(given.to_ms)

local function look(index)
    local last, earlier, due = backfills.rank(team, index, to + 1) + DISPLACED, 0, nil
    local ids = call('ZRANGE', index, math.max(0, last - most), last)
    for i = #ids, 1, -1 do
        local placed, backfill = backfills.placed(team, ids[i])
        due = placed or 0
        if due >= from and due <= to and not backfill then found[#found + 1] = { tonumber(ids[i]), due } end
        earlier = due < from and earlier + 1 or 0
        if earlier > DISPLACED then return end
    end
    if last > most then ended = math.max(ended, due) end
end

-- What backfills made stands elsewhere in those, but is listed by its moment too.
local function look_at_backfilled(states)
    local rows = call('ZREVRANGEBYSCORE', P .. 'x:' .. team .. ':c' .. given.cron .. ':backfilled', to, from, 'WITHSCORES', 'LIMIT', 0, most)
    for i = 1, #rows, 2 do
        local state = call('HGET', record_of(EXECUTION, team, rows[i]), 'state')
        if states[state] then found[#found + 1] = { tonumber(rows[i]), tonumber(rows[i + 1]) } end
    end
    if #rows == 2 * most then ended = math.max(ended, tonumber(rows[#rows])) end
end

local states = {}
for _, state in ipairs(given_list()) do
    states[state] = true
    look(P .. 'x:' .. team .. ':c' .. given.cron .. ':' .. state)
end
look_at_backfilled(states)
table.sort(found, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] > b[1]) end)
local answer = { ended }
for _, one in ipairs(found) do
    if one[2] >= ended then answer[#answer + 1] = one[1] end
end
return answer
