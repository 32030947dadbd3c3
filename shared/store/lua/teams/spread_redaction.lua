#!lua
-- Tell a team's queues what is not kept of its requests, step by step.
--
-- Given `team`, `after` (an id), `limit`.
-- Returns the last id that was told (0 = all were).

local team, limit = given.team, tonumber(given.limit)
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':queues', '(' .. given.after, '+inf', 'LIMIT', 0, limit)

local function tell(id)
    if call('EXISTS', P .. 'q:' .. team .. ':' .. id) == 1 then tell_rules(team, id) end
end

for _, id in ipairs(ids) do confined(team, team .. ':' .. id, tell, id) end
return #ids == limit and tonumber(ids[#ids]) or 0
