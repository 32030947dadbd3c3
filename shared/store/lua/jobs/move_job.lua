#!lua repeatable
-- Move a job that waits, by any id of its chain, to another moment:  pending -> pending.
--
-- Given `team`, `job`, `at_ms`, now_ms.
-- Returns its row as of `read_jobs`; 0 if there is no such job, 'begun' if it runs or has ended, 'late' if it may no longer
-- start then, 'far' if that is in over a year.

local LONGEST_WAIT = 31622400000 -- ms, a year
local team, id, now, at = given.team, given.job, moment(given.now_ms), tonumber(given.at_ms)
local queue = call('HGET', record_of(JOB, team, id), 'queue')
if not queue or call('EXISTS', P .. 'q:' .. team .. ':' .. queue) == 0 then return 0, REFUSED end
local last = last_attempt_of(team, id)
local record = record_of(JOB, team, last)
local fields = fields_of(record, 'state', 'lane', 'entry', 'expires', 'key')
if fields.state ~= 'pending' then return 'begun', REFUSED end
if fields.expires and tonumber(fields.expires) <= math.max(at, vouched()) then return 'late', REFUSED end
if at > vouched() + LONGEST_WAIT then return 'far', REFUSED end

unqueue(JOB, team, queue, last, fields.lane, fields.entry)
call('HDEL', record, 'lane')
fields.due = math.max(at, now)
call('HSET', record, 'due', fields.due, 'entry', '')
if at > now then
    wait_until(JOB, team, last, at)
elseif fields.key then
    keyed.enter(team, queue, last, fields)
else
    call('HSET', record, 'entry', push(team .. ':' .. queue, 'j:' .. last, READY))
end
conclude()
note_change('job', id)
return job_row(team, id, true, 0)
