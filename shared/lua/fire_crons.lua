#!lua flags=allow-oom
-- Fire crons that are due, each once however many schedulers try:  next fire moves on, executions are made.
--
-- KEYS  prefix    ARGV  now ('' = server), then per cron: team, id, version, due (ms), following fire (ms, '' = it
--                       has ended), how many fires follow here, and per fire: its instant (ms), how many earlier ones
--                       it stands for, the first of them (ms), why it is skipped ('' = it runs)
-- Returns per cron 1 if it fired here, 0 if it changed, went or was fired by somebody else, -1 if it is not due yet.

local now, verdicts, at = moment(ARGV[1]), {}, 2

local function fire_all(team, id, record, fields, fires, first)
    local overlap = fields[2] or ''
    local policy = { overlap = overlap == 'allow' and '' or overlap, most = tonumber(fields[3] or ''),
        runs = tonumber(fields[4] or 0), grace = tonumber(fields[5] or ''), last_ping = tonumber(fields[6] or 0) }
    local before = policy.runs
    for i = first, first + 4 * (fires - 1), 4 do
        local fire = { at = ARGV[i], missed = ARGV[i + 1], first = ARGV[i + 2], skip = ARGV[i + 3] }
        policy.runs = policy.runs + fire_cron(team, id, fire, policy)
    end
    if policy.runs > before then call('HSET', record, 'runs', policy.runs) end
    return policy.most and policy.runs >= policy.most
end

while at <= #ARGV do
    local team, id, version, due, following = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
    local member, fires, verdict = team .. ':' .. id, tonumber(ARGV[at + 5]), 0
    local record, score = P .. 'c:' .. member, call('ZSCORE', P .. 'crons', member)
    local fields = call('HMGET', record, 'version', 'overlap', 'max_runs', 'runs', 'grace', 'last_ping')
    if score and tonumber(score) == due and fields[1] == version then
        if due > now then
            verdict = -1
        else
            verdict = 1
            if fire_all(team, id, record, fields, fires, at + 6) or following == '' then
                call('ZREM', P .. 'crons', member)
                call('HDEL', record, 'next')
            else
                call('ZADD', P .. 'crons', following, member)
                call('HSET', record, 'next', following)
            end
        end
    end
    verdicts[#verdicts + 1] = verdict
    at = at + 6 + 4 * fires
end
conclude()
return verdicts
