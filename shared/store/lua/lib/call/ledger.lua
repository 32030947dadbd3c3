-- The shard's prefix, its clock, and the ledger: counted here, posted once at the end of a call.

local tallies, new_intent, moment, vouched
local AHEAD = 5000 -- ms that a scheduler vouches for the clock beyond its last look, of which it takes one a second
local SLACK = 2000 -- ms by which clocks may differ and still agree

do
    local intents, now_ms, trusted_until, vouched_ms

    at_begin(function()
        intents, tallies, now_ms, trusted_until, vouched_ms = 0, {}, nil, nil, nil
    end)

    -- A name that never comes again, of what shall happen once: random bits that the caller drew for this call, and a count.
    function new_intent()
        intents = intents + 1
        return string.sub(KEYS[2], #P + 1) .. '-' .. intents
    end

    -- Milliseconds since 1970: what the caller says, or else the installation's clock; the same for the whole call. That
    -- is the server's, and how far the schedulers found it to be wrong.
    function moment(at_ms)
        if at_ms and at_ms ~= '' then now_ms = tonumber(at_ms) end
        if not now_ms then
            local time, known = call('TIME'), call('MGET', P .. 'correction', P .. 'trusted_until')
            now_ms = time[1] * 1000 + math.floor(time[2] / 1000) + (tonumber(known[1] or 0) or 0)
            trusted_until = known[2]
        end
        return now_ms
    end

    -- The moment up to which nothing that it ends can be premature. The present, while a scheduler vouches for it; and while
    -- none does, for the clock has jumped or no scheduler lives, the last moment for which one did.
    function vouched()
        if not vouched_ms then
            vouched_ms = moment()
            if trusted_until == nil then trusted_until = call('GET', P .. 'trusted_until') end
            local latest = tonumber(trusted_until or '')
            if latest and (now_ms > latest or now_ms < latest - AHEAD - SLACK) then vouched_ms = latest - AHEAD end
        end
        return vouched_ms
    end
end

-- Forget a key after so long (ms), and not before that is certain: the server's own expiry goes by its clock alone.
local function fade(key, after)
    call('ZADD', P .. 'fading', 'GT', vouched() + after, string.sub(key, #P + 1))
end

local function tally(team, field, by)
    local fields = tallies[team]
    if not fields then
        fields = {}
        tallies[team] = fields
    end
    fields[field] = (fields[field] or 0) + by
end
