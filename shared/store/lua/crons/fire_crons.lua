#!lua flags=allow-oom
-- Fire crons that are due, each once however many schedulers try:  next fire moves on, executions are made.
--
-- Given the release of the time zones' rules that the following fires were computed by (nothing = by none), now_ms; and rows:
-- crons with a following fire ('' = it has ended), their last fire here (without their offset) and how many fires follow
-- here, each with these.
-- Returns per cron 1 if it fired here, 0 if it changed, went, was fired by somebody else or is to be, by a newer release,
-- -1 if it is not due yet.

local now, verdicts, crons, moved = math.min(moment(given.now_ms), vouched()), {}, P .. 'crons', {}
local JUDGED_CRON = { 'team', 'id', 'version', 'due_ms', 'following_ms', 'fired_until_ms', 'fires' }
local outdated = is_outdated(given.release)

-- `its` is the row of the cron, `fields` what it is.
local function fire(its, member, fields)
    local record, policy, following = P .. 'c:' .. member, policy_of(fields), its.following_ms
    local has_ended = fire_all(its.team, its.id, policy, its.fires) or following == ''
    note_fires(record, fields, policy, its.fired_until_ms, not has_ended and following)
    planned.note_next(its.team, its.id, not has_ended and following, policy.most, policy.runs)
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
local function read(its, member, score)
    local due = tonumber(its.due_ms)
    if not score or outdated then return nil, 0 end
    local fields = fields_of(P .. 'c:' .. member, unpack(STANDS))
    if tonumber(score) ~= due and tonumber(fields.next or '') ~= due then return nil, 0 end
    if fields.version ~= its.version then return nil, 0 end
    if due > now then return nil, -1 end
    return fields, 1
end

local rows, members = {}, {}
while more_rows() do
    local its = next_row(JUDGED_CRON)
    its.fires = next_fires(tonumber(its.fires))
    rows[#rows + 1], members[#members + 1] = its, its.team .. ':' .. its.id
end
local scores, found, wanted = call('ZMSCORE', crons, unpack(members)), {}, {}
-- A cron whose record is damaged is not due again until somebody has changed it.
local function set_aside(i)
    call('ZREM', crons, members[i])
    found[i], verdicts[i] = nil, 0
end

for i, its in ipairs(rows) do
    local done
    done, found[i], verdicts[i] = confined(its.team, 'c:' .. its.id, read, its, members[i], scores[i])
    if not done then set_aside(i) end
    if found[i] then wanted[its.team] = (wanted[its.team] or 0) + #its.fires end
end
for team, count in pairs(wanted) do confined(team, '', reserve_executions, team, count) end
for i, its in ipairs(rows) do
    if found[i] and not confined(its.team, 'c:' .. its.id, fire, its, members[i], found[i]) then set_aside(i) end
end
call_in_parts(moved, 'ZADD', crons)
conclude()
return verdicts
