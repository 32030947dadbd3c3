#!lua flags=allow-oom
-- Make the records of queues anew that are listed and lost, with the settings of a new queue.
--
-- KEYS  prefix    ARGV  team, settings of a new queue (JSON), after id, limit
-- Returns the last id looked at (0 = all were), and the ids of those that were made anew.

local team, limit, mended = ARGV[1], tonumber(ARGV[4]), {}
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':queues', '(' .. ARGV[3], '+inf', 'LIMIT', 0, limit)

local function mend(id)
    if mend_queue(team, id, ARGV[2]) then mended[#mended + 1] = id end
end

for _, id in ipairs(ids) do confined(team, team .. ':' .. id, mend, id) end
conclude()
return { #ids == limit and tonumber(ids[#ids]) or 0, mended }
