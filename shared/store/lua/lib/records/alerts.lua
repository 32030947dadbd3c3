-- Alerts: that something began to fail, failed for good, or recovered; written with the state they notify of (spec §3).

local QUIET = 3600000 -- ms in which failures of a queue that are alike are one alert with a count
local GROUP_KEPT = 172800000 -- ms that an alert is remembered for the next one to say how many it counted

local function alert_of(team, id)
    return P .. 'a:' .. team .. ':' .. id
end

-- One notice a channel, so that each is tried and fails by itself.
local function notify_channels(team, id, channels)
    for channel in string.gmatch(channels, '%S+') do
        call('HSET', alert_of(team, id), 'channel:' .. channel, 'pending')
        notify(team, 'alerts', 'a:' .. id, channel)
    end
end

-- What each has, also the call of a test; returns its id.
local function write_alert(team, new, created)
    local id = next_id(team, 'alert')
    call('HSET', alert_of(team, id), 'v', 1, 'type', new.type, 'kind', new.kind, 'of', new.of, 'created', created)
    return id
end

-- `new` is { type, kind = cron | queue | team, of = its id, is_announced = whether the channels get it; has_paused = whether its
-- cron was paused for it; was_quiet = whether it was ignored until then; and of what failed: name, labels (JSON), ref, reason,
-- facts (JSON), failures, since, before = how many
-- more the alert before it counted, problem = its id, affected = how many crons }.
local function alert(team, new)
    local id = write_alert(team, new, math.max(moment(), vouched()))
    call('HSET', alert_of(team, id), 'name', new.name or '', 'ref', new.ref or '', 'reason', new.reason or '', 'facts',
        new.facts or '', 'failures', new.failures or 0, 'since', new.since or moment(), 'before', new.before or 0, 'count', 1,
        'problem', new.problem or '', 'affected', new.affected or '')
    if (new.labels or '') ~= '' then call('HSET', alert_of(team, id), 'labels', new.labels) end
    if new.has_paused then call('HSET', alert_of(team, id), 'paused', 1) end
    if new.was_quiet then call('HSET', alert_of(team, id), 'was_quiet', 1) end
    change_index(P .. 'x:' .. team .. ':alerts:' .. new.type, id, true)
    if new.kind ~= 'team' then
        change_index(P .. 'x:' .. team .. ':' .. string.sub(new.kind, 1, 1) .. new.of .. ':alerts', id, true)
    end
    event('alert.' .. new.type, team, 'a:' .. id)
    if new.is_announced then notify_channels(team, id, settings_of(team).channels) end
    return id
end

local function remove_alert(team, id)
    local fields = fields_of(alert_of(team, id), 'type', 'kind', 'of')
    if not fields.type then return end
    change_index(P .. 'x:' .. team .. ':alerts:' .. fields.type, id, false)
    if fields.kind ~= 'team' then
        change_index(P .. 'x:' .. team .. ':' .. string.sub(fields.kind, 1, 1) .. fields.of .. ':alerts', id, false)
    end
    call('DEL', alert_of(team, id))
end

-- Failures that are alike are one alert an hour, which counts them; of what, `group` says, or the id.
local function alert_grouped(team, new)
    local group, now = table.concat({ P .. 'g:' .. team, new.group or new.of, new.type, new.reason }, ':'), vouched()
    local last = fields_of(group, 'alert', 'until')
    local known = last.alert and alert_of(team, last.alert)
    if known and call('EXISTS', known) == 1 then
        local ends = tonumber(last['until'] or '') or 0
        if now < ends and ends <= now + QUIET + AHEAD then -- later than that it is from before the clock was set back
            call('HINCRBY', known, 'count', 1)
            call('HSET', known, 'ref', new.ref)
            return
        end
        new.before = tonumber(call('HGET', known, 'count')) - 1
    end
    call('HSET', group, 'alert', alert(team, new), 'until', now + QUIET)
    fade(group, GROUP_KEPT)
end

-- A chain's first failure warns; one that is over without success is a failure.
local function alert_queue(team, queue, ref, attempt, result)
    local verdict, reason = result.verdict, result.reason or ''
    if verdict == 'complete' or reason == '' or result.is_ignored or (verdict == 'retry' and attempt > 1) then return end
    local fields = fields_of(P .. 'q:' .. team .. ':' .. queue, 'alerts', 'name', 'labels')
    if fields.alerts ~= '1' then return end
    local type = verdict == 'retry' and 'warning' or 'failure'
    alert_grouped(team, { type = type, kind = 'queue', of = queue, name = fields.name, ref = ref, reason = reason,
        facts = result.facts, labels = fields.labels, failures = attempt, problem = result.problem, is_announced = type == 'failure' })
end

-- What became of one channel's notice; a test call is not tried again.
local function settle_alert_notice(team, subject, channel, verdict, said)
    local record = P .. 'a:' .. team .. ':' .. string.match(subject, '%d+$')
    if call('EXISTS', record) == 0 then return false end
    local tries_again = verdict == 'retry' and call('HGET', record, 'type') ~= 'test'
    local outcome = verdict == 'complete' and 'delivered' or tries_again and 'retrying' or 'failed'
    call('HSET', record, 'channel:' .. channel, outcome, 'error:' .. channel, verdict ~= 'complete' and said or '')
    if verdict == 'complete' then call('HSETNX', record, 'notified', moment()) end
    return tries_again
end
