#!lua repeatable
-- Make jobs, and their queues where those are new:  (nothing) -> pending.
--
-- Given `team`, `settings` of a new queue (JSON), now_ms; and rows: per job `queue` (name), `spec` (JSON), `delay_ms`,
-- `at_ms` (when to start, or ''), `has_callback` (1 or ''), `expires_ms` (when, or ''), `key` (or '').
-- Returns per job: id, queue id, due (ms), 1 if its queue is paused; or 0 for one that would expire before it could start
-- and is not made, as is -1, one that would start in over a year.

local NEW_JOB = { 'queue', 'spec', 'delay_ms', 'at_ms', 'has_callback', 'expires_ms', 'key' }
local LATE, FAR = 0, -1
local LONGEST_WAIT = 31622400000 -- ms, a year
local team, now, settings = given.team, moment(given.now_ms), given.settings
local known_queues, paused = {}, {}

local function queue_named(name)
    if known_queues[name] then return known_queues[name] end
    local known = queue_by_name(team, name)
    if not known then
        known = tostring(next_id(team, 'queue'))
        write_queue(team, known, name, settings)
        note_change('queue', known)
    else
        local is_active = call('HGET', P .. 'q:' .. team .. ':' .. known, 'is_active')
        if not is_active then mend_queue(team, known, settings, name) end -- lost: nothing of it would ever start
        paused[known] = is_active == '0' and 1 or 0
    end
    known_queues[name] = known
    return known
end

local rows, good = {}, 0
while more_rows() do
    local job = next_row(NEW_JOB)
    local expires = tonumber(job.expires_ms)
    local begins = math.max(vouched() + tonumber(job.delay_ms), tonumber(job.at_ms) or 0)
    local is_late = expires and expires <= begins
    local refused = is_late and LATE or begins > vouched() + LONGEST_WAIT and FAR
    rows[#rows + 1] = refused or job
    if not refused then good = good + 1 end
end
if good == 0 then return rows, REFUSED end

promote(now, 500) -- whatever fell due before these jobs goes before them
local made = {}
for number, job in ipairs(rows) do
    if job ~= LATE and job ~= FAR then
        local queue = queue_named(job.queue)
        job.due = math.max(now + tonumber(job.delay_ms), tonumber(job.at_ms) or 0)
        rows[number] = { make_job(team, queue, job), tonumber(queue), job.due, paused[queue] or 0 }
        made[#made + 1] = rows[number]
    end
end

conclude()
local first, last = made[1][1], made[#made][1] -- of one call they have no gaps
note_change('job', first == last and first or first .. '-' .. last)
return rows
