#!lua flags=allow-oom
-- Cancel a job: one that waits is not sent, one that runs is broken off by its worker:  pending -> failed.
--
-- KEYS  prefix    ARGV  team, id, now ('' = server)
-- Returns its row as of `read_jobs`, 0 if there is no such job, or 'ended' if it had ended: that stays as it is.

local team, id = ARGV[1], ARGV[2]
moment(ARGV[3])
local record = record_of('j', team, id)
local fields = call('HMGET', record, 'queue', 'state', 'lane', 'entry')
if not fields[1] or call('EXISTS', P .. 'q:' .. team .. ':' .. fields[1]) == 0 then return 0, REFUSED end
if fields[2] == 'pending' then
    unqueue('j', team, fields[1], id, fields[3], fields[4])
    settle('j', team, fields[1], id, { verdict = 'fail', run = CANCELLED })
elseif fields[2] == 'processing' then
    call('HSET', record, 'cancel', 1)
    call('XADD', P .. 'cancels', 'MAXLEN', '~', 1000, '*', 'work', 'j:' .. team .. ':' .. id)
else
    return 'ended', REFUSED
end
conclude()
return job_row(team, id, true)
