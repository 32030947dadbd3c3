-- Make jobs, and their queues where those are new:  (nothing) -> pending.
--
-- KEYS  prefix    ARGV  team, now ('' = server), settings of a new queue (JSON), then per job: queue name,
--                       what was asked (JSON), delay (ms), with a callback ('1' or '')
-- Returns per job: id, queue id, created (ms), due (ms).

local team, now, settings = ARGV[1], moment(ARGV[2]), ARGV[3]
local ids, names = P .. 'ids:' .. team, P .. 'names:' .. team

local function queue_named(name)
    local known = call('HGET', names, name)
    if known then return known end
    local queue = call('HINCRBY', ids, 'queue', 1)
    call('HSET', names, name, queue)
    call('HSET', P .. 'q:' .. team .. ':' .. queue, 'v', 1, 'name', name, 'spec', settings, 'is_active', 1,
        'max_parallelism', '', 'version', 1, 'created', now)
    call('ZADD', P .. 'x:' .. team .. ':queues', queue, queue)
    return tostring(queue)
end

promote(now, 500) -- whatever fell due before these jobs goes before them
local made = {}
for i = 4, #ARGV, 4 do
    local queue, spec, due = queue_named(ARGV[i]), ARGV[i + 1], now + tonumber(ARGV[i + 2])
    local id = call('HINCRBY', ids, 'job', 1)
    local record = P .. 'j:' .. team .. ':' .. id
    call('SET', P .. 'b:' .. team .. ':' .. id, spec)
    call('HSET', record, 'v', 1, 'queue', queue, 'state', 'pending', 'attempt', 1, 'due', due, 'created', now)
    if ARGV[i + 3] == '1' then call('HSET', record, 'callback', 'none') end
    move('j', team, queue, id, nil, 'pending')
    tally(team, 'job.accepted', 1)
    if due > now then
        wait_until('j', team, id, due)
    else
        call('HSET', record, 'entry', push(team .. ':' .. queue, 'j:' .. id, READY))
    end
    event('job.created', team, 'j:' .. id)
    made[#made + 1] = id
    made[#made + 1] = tonumber(queue)
    made[#made + 1] = now
    made[#made + 1] = due
end
refresh_touched()
post_tallies()
return made
