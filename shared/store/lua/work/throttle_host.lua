#!lua flags=allow-oom
-- A host is given a rest. For one that asked for it the team sends it nothing for so long; of two such wishes the later
-- counts. What one worker finds silent is only shown: it may be that worker's network that is broken.
--
-- A host may be shared by all that a team does, and mean only one of its jobs: past `most` it is busy still, but one
-- request at a time may find out whether it is back (`probe_host`).
--
-- Given `team`, `host`, `wanted_ms` (how long), `most_ms` (that it gets), `is_silent`, `status` (of its last answer), now_ms;
-- of what was refused, for the alert: `ref` (kind:id), `reason`, `facts` (JSON).
-- Returns nothing.

local MOST = 1000 -- hosts of a team; the rests that end first go
local LONGEST = 86400000 -- ms that a host may ask for
local STILL = 300000 -- ms after a rest in which another one goes on with it, if no answer came between
local team, host, wanted, most = given.team, given.host, tonumber(given.wanted_ms), tonumber(given.most_ms)
local kept = P .. 'hosts:' .. team
moment(given.now_ms)

local function note(key, length)
    call('ZADD', key, 'GT', vouched() + length, host)
    call('ZREMRANGEBYSCORE', key, '-inf', vouched())
    call('ZREMRANGEBYRANK', key, 0, -MOST - 1)
    fade(key, LONGEST)
end

-- Of too many hosts, those go whose rests ended first.
local function drop()
    local all, ends = call('HGETALL', kept), {}
    for i = 1, #all, 2 do ends[#ends + 1] = { all[i], tonumber(string.match(all[i + 1], '^%d+ (%d+)') or 0) } end
    table.sort(ends, function(one, other) return one[2] < other[2] end)
    for i = 1, #ends - MOST do call('HDEL', kept, ends[i][1]) end
end

-- What is shown of it: since when, until when, since when it answers again, requests since, status, why.
local function keep()
    local now, before = vouched(), call('HGET', kept, host) or ''
    local since, ends, back = string.match(before, '^(%d+) (%d+) (%d+) ')
    local goes_on = back == '0' and tonumber(since) <= now and now - tonumber(ends) < STILL
    local at = { goes_on and since or string.format('%.0f', now), string.format('%.0f', now + wanted), 0, 0 }
    if goes_on and tonumber(ends) > now + wanted then at[2] = ends end
    at[5], at[6] = given.status or 0, given.is_silent and 'silent' or 'retry_after'
    call('HSET', kept, host, table.concat(at, ' '))
    if call('HLEN', kept) > MOST then drop() end
    fade(kept, 2 * LONGEST)
end

keep()
if given.is_silent then return end
note(P .. 'throttled:' .. team, math.min(wanted, most))
if wanted > most then
    note(P .. 'retry_after:' .. team, wanted)
    alert_grouped(team, { type = 'warning', kind = 'team', of = team, group = 'h' .. host, name = host, ref = given.ref,
        reason = given.reason, facts = given.facts, failures = 1 })
end
conclude()
