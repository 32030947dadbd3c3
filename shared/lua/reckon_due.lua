#!lua flags=allow-oom
-- Jobs that were made by a clock that has been set back since wait no longer than they were to.
--
-- KEYS  prefix    ARGV  now ('' = server), cursor of the walk, how many to look at, about
-- Returns the cursor to go on from ('0' = all were looked at), and how many were moved.

local now, due, moved = moment(ARGV[1]), P .. 'due', 0
local walk = call('ZSCAN', due, ARGV[2], 'COUNT', ARGV[3])

local function reckon(member, at, team, id)
    local created = tonumber(call('HGET', record_of('j', team, id), 'created') or '')
    if not created or created <= now + SLACK then return end
    call('ZADD', due, now + at - created, member)
    call('HSET', record_of('j', team, id), 'created', now, 'due', now + at - created)
    moved = moved + 1
end

for i = 1, #walk[2], 2 do
    local member, at = walk[2][i], tonumber(walk[2][i + 1])
    local team, id = string.match(member, '^j:(%d+):0*(%d+)$')
    if team and at > now then confined(team, 'j:' .. id, reckon, member, at, team, id) end
end
if moved > 0 then tell_clock('due') end
return { walk[1], moved }
