#!lua flags=allow-oom
-- A ping came for a cron that waits for them: every fire that is open has ended, well or as the ping says.
--
-- KEYS  prefix    ARGV  team, cron, secret, now ('' = server), 'complete' or 'fail', run (JSON), why it failed,
--                       facts (JSON), what was said with it
-- Returns 1, or 0 if there is no such cron or the secret is another.

local MOST = 100 -- open ones that one ping ends; there are few
local team, cron, now = ARGV[1], ARGV[2], moment(ARGV[4])
local record = P .. 'c:' .. team .. ':' .. cron
local fields = call('HMGET', record, 'ping', 'failures')
if not fields[1] or fields[1] ~= ARGV[3] then return 0, REFUSED end

local result, ended = { verdict = ARGV[5], run = ARGV[6], reason = ARGV[7], facts = ARGV[8], response = ARGV[9] }, 0
for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':c' .. cron .. ':pending', 0, MOST - 1)) do
    if call('HEXISTS', record_of('e', team, id), 'awaits') == 1 then
        call('ZREM', P .. 'due', due_member('e', team, id))
        settle('e', team, 'crons', id, result)
        ended = ended + 1
    end
end
if result.verdict == 'complete' then call('HSET', record, 'last_ping', vouched()) end
if ended == 0 and (result.verdict == 'fail' or fields[2] ~= '0') then
    call('HSET', record, 'last_status', result.verdict == 'fail' and 'failed' or 'completed', 'last_response', ARGV[9],
        'last_failure', failure_of(result))
    alert_cron(team, cron, '', result) -- late, or out of turn: it counts all the same
end
conclude()
return 1
