-- Hosts that a team leaves alone, for they sent `Retry-After`.

local rests_of

do
    local LONGEST_REST = { ['throttled:'] = 300000, ['retry_after:'] = 86400000 } -- ms

    -- Rests end by the moment that is vouched for; one that would last too long is from before the clock was set back.
    local function throttled_of(team, which)
        local key, latest = P .. which .. team, vouched() + LONGEST_REST[which] + AHEAD
        local rests, found = call('ZRANGEBYSCORE', key, vouched(), '+inf', 'WITHSCORES'), {}
        for i = 1, #rests, 2 do
            if tonumber(rests[i + 1]) > latest then
                call('ZREM', key, rests[i])
            else
                found[#found + 1] = rests[i]
                found[#found + 1] = as_seen_now(rests[i + 1])
            end
        end
        return found
    end

    -- The hosts, each with until when, that a team leaves alone; and those that say they are busy.
    function rests_of(team)
        if call('EXISTS', P .. 'throttled:' .. team, P .. 'retry_after:' .. team) == 0 then return {}, {} end
        local throttled, rests = confined(team, '', throttled_of, team, 'throttled:')
        local busy, waits = confined(team, '', throttled_of, team, 'retry_after:')
        return throttled and rests or {}, busy and waits or {}
    end
end
