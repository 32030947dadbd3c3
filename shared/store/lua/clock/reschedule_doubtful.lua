#!lua flags=allow-oom
-- What was made or put off by a clock that has been set back since waits no longer than it was to: jobs, executions and
-- notices.
--
-- Given the cursor of the walk, `count` (how many to look at, about), now_ms.
-- Returns the cursor to go on from ('0' = all were looked at), and how many were moved.

local now, due, moved = moment(given.now_ms), P .. 'due', 0
local walk = call('ZSCAN', due, given.cursor, 'COUNT', given.count)

local function reschedule(member, at, record)
    local fields = fields_of(record, 'created', 'postponed', 'due', 'awaits')
    local created = tonumber(fields.created or '') or 0
    local from = math.max(created, tonumber(fields.postponed or '') or 0)
    if from <= now + SLACK or fields.awaits then return end -- a ping is awaited until a moment of its cron's
    call('ZADD', due, at + now - from, member)
    call('HSET', record, 'postponed', now)
    if created > now + SLACK then call('HSET', record, 'created', created + now - from) end
    if string.sub(member, 1, 1) == JOB and created > now + SLACK then call('HSET', record, 'due', fields.due + now - from) end
    moved = moved + 1
end

for i = 1, #walk[2], 2 do
    local member, at = walk[2][i], tonumber(walk[2][i + 1])
    local kind, team, id = string.match(member, '^([jen]):(%d+):0*(%d+)$')
    if kind and at > now then confined(team, kind .. ':' .. id, reschedule, member, at, record_of(kind, team, id)) end
end
if moved > 0 then tell_clock('due') end
return { walk[1], moved }
