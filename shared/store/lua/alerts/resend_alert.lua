#!lua repeatable
-- Send the message of an alert once more:  failed, or never sent -> pending, in each of the channels.
--
-- Given `team`, `alert`, `channel` ('' for all that are set up and could not deliver it), now_ms.
-- Returns 1, 0 if there is no such alert, or why nothing is sent: 'unset' if the channel is not set up, 'none' if no channel failed,
-- or what became of the message in the channel: it is on its way, or arrived.

local team, wanted = given.team, given.channel
local record = alert_of(team, given.alert)
moment(given.now_ms)

local function outcome_in(channel)
    return call('HGET', record, 'channel:' .. channel)
end

-- The channels that send it again; or why there is none.
local function chosen()
    local failed, is_set_up = {}, false
    for channel in string.gmatch(settings_of(team).channels, '%S+') do
        is_set_up = is_set_up or channel == wanted
        if outcome_in(channel) == 'failed' then failed[#failed + 1] = channel end
    end
    if wanted == '' then return failed, 'none' end
    if not is_set_up then return {}, 'unset' end
    local outcome = outcome_in(wanted)
    if outcome and outcome ~= 'failed' then return {}, outcome end
    return { wanted }
end

local type = call('HGET', record, 'type')
if not type or type == 'test' then return 0, REFUSED end
local channels, refusal = chosen()
if #channels == 0 then return refusal, REFUSED end
for _, channel in ipairs(channels) do call('HDEL', record, 'error:' .. channel) end
notify_channels(team, given.alert, table.concat(channels, ' '))
conclude()
note_change('alert', given.alert)
return 1
