#!lua flags=allow-oom
-- Fire crons that are due, each once however many schedulers try:  next fire moves on, an execution is made.
--
-- KEYS  prefix    ARGV  now ('' = server), then per cron: team, id, version, due (ms), the instant to fire for (ms),
--                       missed instants collapsed into it, following fire (ms)
-- Returns per cron 1 if it fired here, 0 if it changed, went or was fired by somebody else, -1 if it is not due yet.

local now, fired = moment(ARGV[1]), {}
for i = 2, #ARGV, 7 do
    local team, id, version, due = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    local member, verdict = team .. ':' .. id, 0
    local score = call('ZSCORE', P .. 'crons', member)
    if score and tonumber(score) == due and call('HGET', P .. 'c:' .. member, 'version') == version then
        if due > now then
            verdict = -1
        else
            call('ZADD', P .. 'crons', ARGV[i + 6], member)
            call('HSET', P .. 'c:' .. member, 'next', ARGV[i + 6])
            make_execution(team, id, ARGV[i + 4], ARGV[i + 5], now)
            verdict = 1
        end
    end
    fired[#fired + 1] = verdict
end
conclude()
return fired
