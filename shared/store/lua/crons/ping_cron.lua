#!lua flags=allow-oom repeatable
-- A ping came for a cron that waits for them. Its work is done or failed, so that every fire that waits has ended; or it
-- has started, so that they wait for its end; or there is something to note.
--
-- Given the team, the cron, the secret, `kind` (complete, fail, start or log), `reason` (what its failure is alike in),
-- `failure` (why it failed, JSON), `said` (with it), `after` (which execution to go on, 0 at first), now_ms.
-- Returns after which execution to go on (0 = that was all); the fire to come that it counts for (ms, 0 = none); of one
-- that ended nothing the next fire (ms, 0 = none) and from when on that takes pings (ms). Nothing if there is no such cron
-- or the secret is another.

local MOST = 500 -- fires that one call looks at
local LONGEST = 259200000 -- ms that work may take for its duration to be told: an older start was forgotten
local team, cron, now, kind = given.team, given.cron, moment(given.now_ms), given.kind
local failure, said, after = given.failure, given.said, given.after
local record = P .. 'c:' .. team .. ':' .. cron
local fields = fields_of(record, 'ping', 'failures', 'next', 'offset', 'fired_until', 'grace', 'ping_started', 'logged', 'resumed')
if not fields.ping or fields.ping ~= given.secret then return {}, REFUSED end

local index, grace, waiting = P .. 'x:' .. team .. ':c' .. cron .. ':pending', tonumber(fields.grace), {}
local ids = call('ZRANGEBYSCORE', index, '(' .. after, '+inf', 'LIMIT', 0, MOST)
for _, id in ipairs(ids) do
    if call('HEXISTS', record_of(EXECUTION, team, id), 'awaits') == 1 then waiting[#waiting + 1] = id end
end
local go_on_after = #ids == MOST and tonumber(ids[MOST]) or 0

-- The next fire, and from when on it takes pings: within the grace before it, and nearer to it than to the last one.
local function coming()
    local due, last = tonumber(fields.next or ''), tonumber(fields.fired_until or '')
    if not due then return 0, 0 end
    local from = due - grace
    if last then return due, math.max(from, math.ceil((due + last + (fields.offset or 0) * 1000) / 2)) end
    return due, math.max(from, due - EARLY)
end

local function wait_on()
    for _, id in ipairs(waiting) do
        local execution, deadline = record_of(EXECUTION, team, id), now + grace
        if deadline > tonumber(call('HGET', execution, 'awaits')) then
            call('HSET', execution, 'awaits', deadline, 'started', now)
            wait_until(EXECUTION, team, id, deadline)
        end
    end
    call('HSET', record, 'ping_started', now)
    return { go_on_after, 0, 0, 0 }
end

local function note()
    for _, id in ipairs(waiting) do
        call('SET', P .. 'r:' .. team .. ':e' .. id, '{' .. said_as('response_body', said) .. '}')
    end
    call('HSET', record, 'logged', said)
    return { go_on_after, 0, 0, 0 }
end

-- One that came when nothing waited: late or out of turn it counts all the same, and a little early for what comes.
local function out_of_turn(result)
    local due, from = coming()
    local counts_for = result.verdict == 'complete' and due > 0 and vouched() >= from and due or 0
    if counts_for > 0 then call('HSET', record, 'pinged_for', counts_for, 'logged', said) end
    if result.verdict == 'fail' or fields.failures ~= '0' or fields.resumed then
        call('HSET', record, 'last_status', result.verdict == 'fail' and 'failed' or 'completed', 'last_response', said,
            'last_failure', failure_of(result))
        alert_cron(team, cron, '', result)
    end
    return { 0, counts_for, due, from }
end

local function finish()
    local started = tonumber(fields.ping_started or '')
    if started and (now - started > LONGEST or started > now) then started = nil end -- or by a clock that was ahead
    if said == '' then said = fields.logged or '' end
    local facts = failure and '{' .. said_as('response', said) .. ',' .. string.sub(failure, 2) or ''
    local result = { verdict = kind, run = pinged_run(now, started, said, failure), reason = given.reason or '',
        facts = facts, response = said }
    for _, id in ipairs(waiting) do
        call('ZREM', P .. 'due', due_member(EXECUTION, team, id))
        settle(EXECUTION, team, 'crons', id, result)
    end
    if kind == 'complete' then call('HSET', record, 'last_ping', vouched()) end
    if go_on_after == 0 then call('HDEL', record, 'ping_started', 'logged') end
    if #waiting > 0 or after ~= '0' then return { go_on_after, 0, 0, 0 } end
    return out_of_turn(result)
end

local answer = kind == 'start' and wait_on() or kind == 'log' and note() or finish()
conclude()
return answer
