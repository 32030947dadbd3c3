#!lua flags=allow-oom
-- A host asked for a pause: the team sends it nothing for so long. Of two such wishes the later counts.
--
-- A host may be shared by all that a team does, and mean only one of its jobs: past `most` it is busy still, but one
-- request at a time may find out whether it is back (`probe_host`).
--
-- Given `team`, `host`, `wanted_ms` (how long), `most_ms` (that it gets), now_ms; of what was refused, for the alert: `ref`
-- (kind:id), `reason`, `facts` (JSON).
-- Returns nothing.

local MOST = 1000 -- hosts of a team; the rests that end first go
local LONGEST = 86400000 -- ms that a host may ask for
local team, host, wanted, most = given.team, given.host, tonumber(given.wanted_ms), tonumber(given.most_ms)
moment(given.now_ms)

local function note(key, length)
    call('ZADD', key, 'GT', vouched() + length, host)
    call('ZREMRANGEBYSCORE', key, '-inf', vouched())
    call('ZREMRANGEBYRANK', key, 0, -MOST - 1)
    fade(key, LONGEST)
end

note(P .. 'throttled:' .. team, math.min(wanted, most))
if wanted > most then
    note(P .. 'retry_after:' .. team, wanted)
    alert_grouped(team, { type = 'warning', kind = 'team', of = team, group = 'h' .. host, name = host, ref = given.ref,
        reason = given.reason, facts = given.facts, failures = 1 })
end
conclude()
