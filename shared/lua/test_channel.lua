#!lua repeatable
-- Put a test call to one of a team's channels into its alerts, to be sent by a worker.
--
-- KEYS  prefix    ARGV  team, channel, now ('' = server)
-- Returns the id to look at for its outcome.

local KEPT_MS = 3600000 -- ms
local team, channel = ARGV[1], ARGV[2]
local id = next_id(team, 'alert')
call('HSET', alert_of(team, id), 'v', 1, 'type', 'test', 'kind', 'team', 'of', team, 'created', moment(ARGV[3]))
fade(alert_of(team, id), KEPT_MS)
tell_channels(team, id, channel)
conclude()
return id
