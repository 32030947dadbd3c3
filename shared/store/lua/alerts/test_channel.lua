#!lua repeatable
-- Put a test call to one of a team's channels into its alerts, to be sent by a worker.
--
-- Given `team`, `channel`, now_ms.
-- Returns the id to look at for its outcome.

local KEPT_MS = 3600000 -- ms
local team = given.team
local id = write_alert(team, { type = 'test', kind = 'team', of = team }, moment(given.now_ms))
fade(alert_of(team, id), KEPT_MS)
notify_channels(team, id, given.channel)
conclude()
note_change('alert', id)
return id
