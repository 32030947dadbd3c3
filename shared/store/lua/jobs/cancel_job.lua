#!lua flags=allow-oom repeatable
-- Cancel a job, by any id of its chain: what waits is not sent, what runs is broken off by its worker:
-- pending -> failed.
--
-- Given `team`, `job`, now_ms.
-- Returns its row as of `read_jobs`, 0 if there is no such job, or 'ended' if the chain had ended: that stays as it is.

local team, id = given.team, given.job
moment(given.now_ms)
local queue = call('HGET', record_of(JOB, team, id), 'queue')
if not queue or call('EXISTS', P .. 'q:' .. team .. ':' .. queue) == 0 then return 0, REFUSED end
local last = last_attempt_of(team, id)
local record = record_of(JOB, team, last)
local fields = fields_of(record, 'state', 'lane', 'entry')
if fields.state == 'pending' then
    unqueue(JOB, team, queue, last, fields.lane, fields.entry)
    settle(JOB, team, queue, last, { verdict = 'fail', run = CANCELLED })
elseif fields.state == 'processing' then
    call('HSET', record, 'cancel', 1)
    call('XADD', P .. 'cancels', 'MAXLEN', '~', 1000, '*', 'work', 'j:' .. team .. ':' .. last)
else
    return 'ended', REFUSED -- a retry that ended may be gone before its original
end
conclude()
note_change('job', id)
return job_row(team, id, true, 0)
