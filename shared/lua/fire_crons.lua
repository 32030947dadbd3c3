#!lua flags=allow-oom
-- Fire crons that are due, each once however many schedulers try:  next fire moves on, executions are made.
--
-- KEYS  prefix    ARGV  now ('' = server), then per cron: team, id, version, due (ms), following fire (ms, '' = it
--                       has ended), how many fires follow here, and per fire: its instant (ms), how many earlier ones
--                       it stands for, the first of them (ms), why it is skipped ('' = it runs)
-- Returns per cron 1 if it fired here, 0 if it changed, went or was fired by somebody else, -1 if it is not due yet.

local now, verdicts, crons, moved = moment(ARGV[1]), {}, P .. 'crons', {}

local function policy_of(fields)
    local overlap = fields[2] or ''
    return { overlap = overlap == 'allow' and '' or overlap, most = tonumber(fields[3] or ''),
        runs = tonumber(fields[4] or 0), grace = tonumber(fields[5] or ''), last_ping = tonumber(fields[6] or 0), late = {} }
end

-- Whether the cron has used up its runs; `first` is where its fires stand in ARGV, and `fields` what it was before.
local function fire_all(team, id, policy, fires, first)
    for i = first, first + 4 * (fires - 1), 4 do
        local fire = { at = ARGV[i], missed = ARGV[i + 1], first = ARGV[i + 2], skip = ARGV[i + 3] }
        policy.runs = policy.runs + fire_cron(team, id, fire, policy)
    end
    return policy.most and policy.runs >= policy.most
end

-- What the cron carries from now on: its next fire, how often it ran, and how late that was.
local function note_fires(record, fields, policy, following)
    local noted = { 'runs', policy.runs }
    for i, bucket in ipairs(LATENESS) do
        if policy.late[bucket] then
            noted[#noted + 1] = 'late:' .. bucket
            noted[#noted + 1] = tonumber(fields[6 + i] or 0) + policy.late[bucket]
        end
    end
    if following then
        noted[#noted + 1] = 'next'
        noted[#noted + 1] = following
    end
    call('HSET', record, unpack(noted))
end

local function fire(at)
    local team, id, version, due, following = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
    local member, fires = team .. ':' .. id, tonumber(ARGV[at + 5])
    local record = P .. 'c:' .. member
    local fields = call('HMGET', record, 'version', 'overlap', 'max_runs', 'runs', 'grace', 'last_ping', 'late:100',
        'late:1000', 'late:10000', 'late:60000', 'late:more')
    if fields[1] ~= version then return 0 end
    if due > now then return -1 end
    local policy = policy_of(fields)
    local has_ended = fire_all(team, id, policy, fires, at + 6) or following == ''
    note_fires(record, fields, policy, not has_ended and following)
    if has_ended then
        call('ZREM', crons, member)
        call('HDEL', record, 'next')
    else
        moved[#moved + 1] = following
        moved[#moved + 1] = member
    end
    return 1
end

local starts, members, at = {}, {}, 2
while at <= #ARGV do
    starts[#starts + 1], members[#members + 1] = at, ARGV[at] .. ':' .. ARGV[at + 1]
    at = at + 6 + 4 * tonumber(ARGV[at + 5])
end
local scores = call('ZMSCORE', crons, unpack(members))
for i, start in ipairs(starts) do
    verdicts[i] = tonumber(scores[i] or '') == tonumber(ARGV[start + 3]) and fire(start) or 0
end
call_in_parts(moved, 'ZADD', crons)
conclude()
return verdicts
