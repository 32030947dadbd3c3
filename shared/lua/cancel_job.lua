#!lua flags=allow-oom
-- Cancel a job, by any id of its chain: what waits is not sent, what runs is broken off by its worker:
-- pending -> failed.
--
-- KEYS  prefix    ARGV  team, id, now ('' = server)
-- Returns the state of the chain's last attempt before ('pending', 'processing', ...), or 0 if there is no such job.
-- What had ended stays as it is.

local team, id = ARGV[1], ARGV[2]
moment(ARGV[3])
local asked = call('HMGET', record_of('j', team, id), 'queue', 'state')
if not asked[1] or call('EXISTS', P .. 'q:' .. team .. ':' .. asked[1]) == 0 then return 0 end
local last = last_attempt_of(team, id)
local record = record_of('j', team, last)
local fields = call('HMGET', record, 'state', 'lane', 'entry')
if fields[1] == 'pending' then
    unqueue('j', team, asked[1], last, fields[2], fields[3])
    settle('j', team, asked[1], last, { verdict = 'fail', run = CANCELLED })
elseif fields[1] == 'processing' then
    call('HSET', record, 'cancel', 1)
    call('XADD', P .. 'cancels', 'MAXLEN', '~', 1000, '*', 'work', 'j:' .. team .. ':' .. last)
end
conclude()
return fields[1] or asked[2] -- a retry that ended may be gone before its original
