#!lua flags=allow-oom
-- Hold what lists a team's changes of many against their records: schedulers go on with those that run.
--
-- Given the team.
-- Returns the ids of those that were listed wrong.

local team, mended = given.team, {}

local function check(id)
    local state = call('HGET', P .. 'bulk:' .. team .. ':' .. id, 'state')
    if not state then
        bulks.forget(team, id)
        return false
    end
    return state ~= 'running' or call('SADD', P .. 'bulks', team .. ':' .. id) == 0
end

for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':bulks', 0, 499)) do
    local done, is_right = confined(team, 'bulk:' .. id, check, id)
    if done and not is_right then mended[#mended + 1] = tonumber(id) end
end
return mended
