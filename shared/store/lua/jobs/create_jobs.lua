#!lua repeatable
-- Make jobs, and their queues where those are new:  (nothing) -> pending.
--
-- Given `team`, `settings` of a new queue (JSON), now_ms; and rows: per job `queue` (name), `spec` (JSON), `delay_ms`,
-- `at_ms` (when to start, or ''), `has_callback` (1 or ''), `expires_ms` (when, or ''), `rules` (what its spec leaves in the
-- clear none of: JSON, or ''), `key` (or '').
-- Returns per job: id, queue id, due (ms), 1 if its queue is paused or 2 if that is new; or 0 for one that would expire before it
-- could start and is not made, as is -1, one that would start in over a year. If the rules of a queue are others, nothing is made, and what
-- returns is 'rules', then the name of each such queue and its rules.

local NEW_JOB = { 'queue', 'spec', 'delay_ms', 'at_ms', 'has_callback', 'expires_ms', 'rules', 'key' }
local LATE, FAR = 0, -1
local LONGEST_WAIT = 31622400000 -- ms, a year
local team, now, settings = given.team, moment(given.now_ms), given.settings
local PAUSED, NEW = 1, 2
local known_queues, standing = {}, {}

-- What is there of a queue: its id, whether it is active, its rules and those of the team, in one text.
local function queue_named(name)
    local its = known_queues[name]
    if its then return its end
    its = { id = queue_by_name(team, name) }
    if its.id then its.rules, its.is_active = rules_of(team, its.id) end
    if not its.is_active then its.rules = settings_of(team).redact end -- which it will have, made (anew) below
    known_queues[name] = its
    return its
end

local function made_queue(name)
    local its = queue_named(name)
    if its.is_made then return its.id end
    its.is_made = true
    if not its.id then
        its.id = tostring(next_id(team, 'queue'))
        write_queue(team, its.id, name, settings)
        standing[its.id] = NEW
        if given.maker then call('HSET', P .. 'q:' .. team .. ':' .. its.id, 'by', given.maker) end
        note_change('queue', its.id)
    else
        if not its.is_active then mend_queue(team, its.id, settings, name) end -- lost: nothing of it would ever start
        standing[its.id] = its.is_active == '0' and PAUSED or 0
    end
    return its.id
end

local rows, good, others, is_other = {}, 0, { 'rules' }, {}
while more_rows() do
    local job = next_row(NEW_JOB)
    local expires = tonumber(job.expires_ms)
    local begins = math.max(vouched() + tonumber(job.delay_ms), tonumber(job.at_ms) or 0)
    local is_late = expires and expires <= begins
    local refused = is_late and LATE or begins > vouched() + LONGEST_WAIT and FAR
    rows[#rows + 1] = refused or job
    local rules = not refused and queue_named(job.queue).rules
    if rules and rules ~= job.rules and not is_other[job.queue] then
        is_other[job.queue] = true
        others[#others + 1] = job.queue
        others[#others + 1] = rules
    end
    if not refused then good = good + 1 end
end
if good == 0 then return rows, REFUSED end
if #others > 1 then return others, REFUSED end

promote(now, 500) -- whatever fell due before these jobs goes before them
local made = {}
for number, job in ipairs(rows) do
    if job ~= LATE and job ~= FAR then
        local queue = made_queue(job.queue)
        job.due = math.max(now + tonumber(job.delay_ms), tonumber(job.at_ms) or 0)
        rows[number] = { make_job(team, queue, job), tonumber(queue), job.due, standing[queue] }
        made[#made + 1] = rows[number]
    end
end

conclude()
local first, last = made[1][1], made[#made][1] -- of one call they have no gaps
note_change('job', first == last and first or first .. '-' .. last)
return rows
