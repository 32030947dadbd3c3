#!lua repeatable
-- Make a queue, or change one that is still as it was read.
--
-- Given `team`, `queue_id` and `version` (of one that is changed), `name`, `settings` (JSON), `is_active`,
-- `max_parallelism` (any if nothing), `rate_count` (any number if nothing) in `rate_ms`, `weight`, `dlq_days` that dead
-- letters are kept, `alerts` (whether its failures do), now_ms.
-- Returns the row of `read_queues`; 'taken' if another queue has the name; 'stale' if the queue changed or went since it was read.

local team, now, id, name = given.team, moment(given.now_ms), given.queue_id, given.name
local names = P .. 'names:' .. team
local holder = queue_by_name(team, name)
if holder and holder ~= id then return 'taken', REFUSED end

if not id then
    id = tostring(next_id(team, 'queue'))
    call('ZADD', P .. 'x:' .. team .. ':queues', id, id)
    call('SADD', P .. 'teams', team)
    call('HSET', P .. 'q:' .. team .. ':' .. id, 'v', 1, 'version', 0, 'created', now)
else
    local known = fields_of(P .. 'q:' .. team .. ':' .. id, 'version', 'name')
    if known.version ~= given.version then return 'stale', REFUSED end
    if known.name and known.name ~= name then call('HDEL', names, known.name) end
end

local record = P .. 'q:' .. team .. ':' .. id
call('HSET', names, name, id)
call('HSET', record, 'name', name, 'spec', given.settings, 'is_active', given.is_active or 0,
    'max_parallelism', given.max_parallelism or '', 'rate_count', given.rate_count or '', 'rate_ms', given.rate_ms or '',
    'weight', given.weight, 'dlq_days', given.dlq_days, 'alerts', given.alerts or '')
call('HSETNX', record, 'created', now)
call('HINCRBY', record, 'version', 1)
call('HDEL', record, 'lost')
call('HDEL', P .. 'damaged', 'q:' .. team .. ':' .. id)
refresh(team .. ':' .. id) -- a pause, a resume or another limit holds from the next claim on
return queue_row(team, id)
