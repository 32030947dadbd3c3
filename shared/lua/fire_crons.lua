#!lua flags=allow-oom
-- Fire crons that are due, each once however many schedulers try:  next fire moves on, executions are made.
--
-- KEYS  prefix    ARGV  now ('' = server), the release of the time zones' rules that the following fires were reckoned by
--                       ('' = by none), then per cron: team, id, version, due (ms), following fire (ms, '' = it
--                       has ended), its last fire here (ms, without its offset), how many fires follow here, and per
--                       fire: its instant (ms), how many earlier ones it stands for, the first of them (ms), why it is
--                       skipped ('' = it runs)
-- Returns per cron 1 if it fired here, 0 if it changed, went, was fired by somebody else or is to be, by a newer release,
-- -1 if it is not due yet.

local now, verdicts, crons, moved = math.min(moment(ARGV[1]), vouched()), {}, P .. 'crons', {}
local WIDTH, outdated = 7, is_outdated(ARGV[2])

-- `at` is where the cron stands in ARGV, `fields` what it is.
local function fire(at, member, fields)
    local team, id, following = ARGV[at], ARGV[at + 1], ARGV[at + 4]
    local record, policy = P .. 'c:' .. member, policy_of(fields)
    local has_ended = fire_all(team, id, policy, tonumber(ARGV[at + 6]), at + WIDTH) or following == ''
    note_fires(record, fields, policy, ARGV[at + 5], not has_ended and following)
    if has_ended then
        call('ZREM', crons, member)
        call('HDEL', record, 'next')
    else
        moved[#moved + 1] = following
        moved[#moved + 1] = member
    end
end

-- What the cron is, if it is due and as the caller knows it; or else the verdict. One that was set aside stands in the
-- clock's list at another moment than its next fire.
local function read(at, member, score)
    local due = tonumber(ARGV[at + 3])
    if not score or outdated then return nil, 0 end
    local fields = fields_of(P .. 'c:' .. member, unpack(STANDS))
    if tonumber(score) ~= due and tonumber(fields.next or '') ~= due then return nil, 0 end
    if fields.version ~= ARGV[at + 2] then return nil, 0 end
    if due > now then return nil, -1 end
    return fields, 1
end

local starts, members, at = {}, {}, 3
while at <= #ARGV do
    starts[#starts + 1], members[#members + 1] = at, ARGV[at] .. ':' .. ARGV[at + 1]
    at = at + WIDTH + OF_FIRE * tonumber(ARGV[at + 6])
end
local scores, found, wanted = call('ZMSCORE', crons, unpack(members)), {}, {}
-- A cron whose record is damaged is not due again until somebody has changed it.
local function set_aside(i)
    call('ZREM', crons, members[i])
    found[i], verdicts[i] = nil, 0
end

for i, start in ipairs(starts) do
    local done
    done, found[i], verdicts[i] = confined(ARGV[start], 'c:' .. ARGV[start + 1], read, start, members[i], scores[i])
    if not done then set_aside(i) end
    if found[i] then wanted[ARGV[start]] = (wanted[ARGV[start]] or 0) + tonumber(ARGV[start + 6]) end
end
for team, count in pairs(wanted) do confined(team, '', reserve_executions, team, count) end
for i, start in ipairs(starts) do
    if found[i] and not confined(ARGV[start], 'c:' .. ARGV[start + 1], fire, start, members[i], found[i]) then
        set_aside(i)
    end
end
call_in_parts(moved, 'ZADD', crons)
conclude()
return verdicts
