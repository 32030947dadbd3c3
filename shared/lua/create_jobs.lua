#!lua repeatable
-- Make jobs, and their queues where those are new:  (nothing) -> pending.
--
-- KEYS  prefix    ARGV  team, now ('' = server), settings of a new queue (JSON), then per job: queue name, what was
--                       asked (JSON), delay (ms), with a callback ('1' or ''), when it expires (ms or '')
-- Returns per job: id, queue id, due (ms), 1 if its queue is paused; or 0 for one that would expire before it could start
-- and is not made.

local team, now, settings = ARGV[1], moment(ARGV[2]), ARGV[3]
local WIDTH = 5
local known_queues = {}

local function queue_named(name)
    if known_queues[name] then return known_queues[name] end
    local known = queue_by_name(team, name)
    if not known then
        known = tostring(next_id(team, 'queue'))
        write_queue(team, known, name, settings)
    elseif call('EXISTS', P .. 'q:' .. team .. ':' .. known) == 0 then
        mend_queue(team, known, settings, name) -- lost: nothing of it would ever start
    end
    known_queues[name] = known
    return known
end

local rows, good = {}, 0
for i = 4, #ARGV, WIDTH do
    local expires = tonumber(ARGV[i + 4])
    local is_late = expires and expires <= vouched() + tonumber(ARGV[i + 2])
    rows[#rows + 1] = is_late and 0 or i
    if not is_late then good = good + 1 end
end
if good == 0 then return rows, REFUSED end

promote(now, 500) -- whatever fell due before these jobs goes before them
local made = {}
for number, i in ipairs(rows) do
    if i > 0 then
        local queue, due = queue_named(ARGV[i]), now + tonumber(ARGV[i + 2])
        local id = make_job(team, queue, { spec = ARGV[i + 1], due = due, callback = ARGV[i + 3], expires = ARGV[i + 4] })
        rows[number] = { id, tonumber(queue), due }
        made[#made + 1] = rows[number]
    end
end

local paused = {}
for _, each in ipairs(made) do
    local queue = each[2]
    if paused[queue] == nil then
        paused[queue] = call('HGET', P .. 'q:' .. team .. ':' .. queue, 'is_active') == '0' and 1 or 0
    end
    each[4] = paused[queue]
end
conclude()
return rows
