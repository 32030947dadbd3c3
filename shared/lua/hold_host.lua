#!lua flags=allow-oom
-- A host asked for a rest: the team sends it nothing for so long. Of two such wishes the later counts.
--
-- A host may be shared by all that a team does, and mean only one of its jobs: past `most` it is busy still, but one
-- request at a time may find out whether it is back (`probe_host`).
--
-- KEYS  prefix    ARGV  team, host, how long it asked for (ms), most that it gets (ms), now ('' = server); of what was
--                       refused, for the alert: kind:id, reason, facts (JSON)
-- Returns nothing.

local MOST = 1000 -- hosts of a team; the rests that end first go
local LONGEST = 86400000 -- ms that a host may ask for
local team, host, asked, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
moment(ARGV[5])

local function note(key, length)
    call('ZADD', key, 'GT', vouched() + length, host)
    call('ZREMRANGEBYSCORE', key, '-inf', vouched())
    call('ZREMRANGEBYRANK', key, 0, -MOST - 1)
    fade(key, LONGEST)
end

note(P .. 'held:' .. team, math.min(asked, most))
if asked > most then
    note(P .. 'busy:' .. team, asked)
    alert_grouped(team, { type = 'warning', kind = 'team', of = team, group = 'h' .. host, name = host, ref = ARGV[6],
        reason = ARGV[7], facts = ARGV[8], failures = 1 })
end
conclude()
