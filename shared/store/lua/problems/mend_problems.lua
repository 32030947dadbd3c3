#!lua flags=allow-oom
-- List problems as their records say: by state, by owner, by name and by what ends them; what has no record is listed nowhere.
--
-- Given `team`; and ids.
-- Returns the ids of those that were not.

local team, mended = given.team, {}

local function is_listed(id, fields)
    for _, state in ipairs(STATES.problem) do
        local score = call('ZSCORE', P .. 'x:' .. team .. ':problems:' .. state, id)
        if (state == fields.state) ~= (score ~= false) then return false end
    end
    if not problems.is_watched_right(team, id, fields) then return false end
    local name = problems.name(fields.owner, fields.reason, fields.target)
    return call('ZSCORE', P .. 'x:' .. team .. ':' .. fields.owner .. ':problems', id) and
        call('HGET', P .. 'problem_ids:' .. team, name) == id
end

-- What cannot be a list of dead letters goes: the walk over these makes it anew. Whether it was one.
local function is_zset(list)
    local kind = call('TYPE', P .. list).ok
    if kind == 'none' or kind == 'zset' then return true end
    call('RENAME', P .. list, P .. 'aside:' .. list)
    return false
end

local function mend(id)
    local is_right = is_zset('x:' .. team .. ':p' .. id .. ':dead')
    local fields = fields_of(P .. 'problem:' .. team .. ':' .. id, 'state', 'owner', 'reason', 'target', 'last')
    if not (fields.state and fields.owner and fields.reason and fields.target and fields.last) then
        problems.remove(team, id)
        return false
    end
    if is_listed(id, fields) then return is_right end
    problems.list(team, id, fields)
    return false
end

for _, id in ipairs(given_list()) do
    local done, is_right = confined(team, 'problem:' .. team .. ':' .. id, mend, id)
    if done and not is_right then mended[#mended + 1] = id end
end
return mended
