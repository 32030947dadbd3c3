#!lua flags=allow-oom
-- Make the records of queues anew that are listed and lost, with the settings of a new queue; each is told the team's rules.
--
-- Given `team`, `settings` of a new queue (JSON), `after` (an id), `limit`.
-- Returns the last id looked at (0 = all were), and the ids of those that were made anew.

local team, limit, mended = given.team, tonumber(given.limit), {}
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':queues', '(' .. given.after, '+inf', 'LIMIT', 0, limit)

local function mend(id)
    if mend_queue(team, id, given.settings) then mended[#mended + 1] = id end
    tell_rules(team, id)
end

for _, id in ipairs(ids) do confined(team, team .. ':' .. id, mend, id) end
conclude()
return { #ids == limit and tonumber(ids[#ids]) or 0, mended }
