#!lua flags=allow-oom
-- Hold a team's lists of the executions of all its crons against their records, and list what is missing or listed wrong.
--
-- Given the team, `index` (any that has ids of executions, below x:<team>:), the cursor of the walk, `count` (rows, about).
-- Returns the cursor to go on from ('0' = all were looked at), and the ids of those that were listed wrong.

local LATE, LISTS = 1000, { '', ':failed', ':skipped', ':late' }
local team, mended = given.team, {}
local lists = P .. 'x:' .. team .. ':executions'
local walk = call('ZSCAN', P .. 'x:' .. team .. ':' .. given.index, given.cursor, 'COUNT', given.count)

-- Its moment in each of the lists, and nothing where it is not to be.
local function wanted_of(id)
    local fields = fields_of(record_of(EXECUTION, team, id), 'state', 'due', 'created')
    local due, created, wanted = tonumber(fields.due or ''), tonumber(fields.created or ''), {}
    if not fields.state or not due then return wanted end
    wanted[''] = due
    if fields.state == 'failed' or fields.state == 'skipped' then wanted[':' .. fields.state] = due end
    if created and created - due > LATE and fields.state ~= 'skipped' then wanted[':late'] = due end
    return wanted
end

local function check(id)
    local wanted, is_right = wanted_of(id), true
    for _, of in ipairs(LISTS) do
        local score = tonumber(call('ZSCORE', lists .. of, id) or '')
        if score ~= wanted[of] then
            is_right = false
            if wanted[of] then call('ZADD', lists .. of, wanted[of], id) else call('ZREM', lists .. of, id) end
        end
    end
    return is_right
end

for i = 1, #walk[2], 2 do
    local id = walk[2][i]
    local done, is_right = confined(team, 'e:' .. id, check, id)
    if done and not is_right then mended[#mended + 1] = id end
end
conclude()
return { walk[1], mended }
