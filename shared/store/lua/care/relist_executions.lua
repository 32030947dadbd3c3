#!lua flags=allow-oom
-- Hold a team's lists of the executions of all its crons against their records, and list what is missing or listed wrong.
--
-- Given the team, `index` (any that has ids of executions, below x:<team>:), the cursor of the walk, `count` (rows, about).
-- Returns the cursor to go on from ('0' = all were looked at), and the ids of those that were listed wrong.

local LATE, LISTS = 1000, { '', ':failed', ':skipped', ':late' }
local team, mended = given.team, {}
local walks_backfilled = string.match(given.index, ':backfilled$')
local lists = P .. 'x:' .. team .. ':executions'
local walk = call('ZSCAN', P .. 'x:' .. team .. ':' .. given.index, given.cursor, 'COUNT', given.count)

-- Its moment in each of the lists, and nothing where it is not to be; and its cron, if a backfill made it.
local function wanted_of(id)
    local fields = fields_of(record_of(EXECUTION, team, id), 'state', 'due', 'created', 'cron', 'backfill')
    local due, created, wanted = tonumber(fields.due or ''), tonumber(fields.created or ''), {}
    if not fields.state or not due then return wanted end
    wanted[''] = due
    if fields.state == 'failed' or fields.state == 'skipped' then wanted[':' .. fields.state] = due end
    if created and created - due > LATE and fields.state ~= 'skipped' and not fields.backfill then wanted[':late'] = due end
    return wanted, fields.backfill and fields.cron
end

local function put_right(list, id, wanted)
    if tonumber(call('ZSCORE', list, id) or '') == wanted then return true end
    if wanted then call('ZADD', list, wanted, id) else call('ZREM', list, id) end
    return false
end

local function check(id)
    local wanted, cron = wanted_of(id)
    local is_right = true
    for _, of in ipairs(LISTS) do is_right = put_right(lists .. of, id, wanted[of]) and is_right end
    if cron then return put_right(P .. 'x:' .. team .. ':c' .. cron .. ':backfilled', id, wanted['']) and is_right end
    if not walks_backfilled then return is_right end
    call('ZREM', P .. 'x:' .. team .. ':' .. given.index, id)
    return false
end

for i = 1, #walk[2], 2 do
    local id = walk[2][i]
    local done, is_right = confined(team, 'e:' .. id, check, id)
    if done and not is_right then mended[#mended + 1] = id end
end
conclude()
return { walk[1], mended }
