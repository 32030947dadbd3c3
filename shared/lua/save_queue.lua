#!lua repeatable
-- Make a queue, or change one that is still as it was read.
--
-- KEYS  prefix    ARGV  team, now ('' = server), id ('' = new), version, name, settings (JSON), is_active (0|1),
--                       max_parallelism ('' = unlimited), starts at most so many ('' = any number) in so many ms, weight,
--                       days that dead letters are kept, whether its failures alert ('1' or '')
-- Returns the row of `read_queues`; 'taken' if another queue has the name; 'stale' if the queue changed or went since it was read.

local team, now, id, version, name = ARGV[1], moment(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local names = P .. 'names:' .. team
local holder = queue_by_name(team, name)
if holder and holder ~= id then return 'taken', REFUSED end

if id == '' then
    id = tostring(next_id(team, 'queue'))
    call('ZADD', P .. 'x:' .. team .. ':queues', id, id)
    call('SADD', P .. 'teams', team)
    call('HSET', P .. 'q:' .. team .. ':' .. id, 'v', 1, 'version', 0, 'created', now)
else
    local known = fields_of(P .. 'q:' .. team .. ':' .. id, 'version', 'name')
    if (known.version or '') ~= version then return 'stale', REFUSED end
    if known.name and known.name ~= name then call('HDEL', names, known.name) end
end

local record = P .. 'q:' .. team .. ':' .. id
call('HSET', names, name, id)
call('HSET', record, 'name', name, 'spec', ARGV[6], 'is_active', ARGV[7], 'max_parallelism', ARGV[8],
    'rate_count', ARGV[9], 'rate_ms', ARGV[10], 'weight', ARGV[11],
    'dlq_days', ARGV[12], 'alerts', ARGV[13])
call('HSETNX', record, 'created', now)
call('HINCRBY', record, 'version', 1)
call('HDEL', record, 'lost')
call('HDEL', P .. 'damaged', 'q:' .. team .. ':' .. id)
refresh(team .. ':' .. id) -- a pause, a resume or another limit holds from the next claim on
return queue_row(team, id)
