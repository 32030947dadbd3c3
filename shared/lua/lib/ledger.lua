-- The shard's prefix, its clock, and the ledger: counted here, posted once at the end of a script.

local P = KEYS[1] -- routes the script to its shard; never a key itself
local call = redis.call

-- Milliseconds since 1970: what the caller says, or else the server's own clock.
local function moment(given)
    if given ~= '' then return tonumber(given) end
    local time = call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local tallies = {}

local function tally(team, field, by)
    local fields = tallies[team]
    if not fields then
        fields = {}
        tallies[team] = fields
    end
    fields[field] = (fields[field] or 0) + by
end

local function post_tallies()
    for team, fields in pairs(tallies) do
        for field, by in pairs(fields) do
            if by ~= 0 then call('HINCRBY', P .. 'ledger:' .. team, field, by) end
        end
    end
end
