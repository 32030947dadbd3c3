-- A team's settings that scripts look at, and its requests of the month: counted where they start, against its limit.

local USED_UP = '{"failure_reason":"limit_exceeded","error_message":"The team has made all requests of its monthly '
    .. 'limit; nothing was sent."}'
local settings_by_team, used_by_team = {}, {}
local month_name

-- The month of the script's moment in UTC, as in 2026-11 (days to civil date after H. Hinnant).
local function month()
    if month_name then return month_name end
    local days = math.floor(moment() / 86400000) + 719468
    local era = math.floor(days / 146097)
    local day = days - era * 146097
    local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
    local shifted = math.floor((5 * (day - (365 * year + math.floor(year / 4) - math.floor(year / 100))) + 2) / 153)
    local number = shifted < 10 and shifted + 3 or shifted - 9
    month_name = string.format('%04d-%02d', year + era * 400 + (number <= 2 and 1 or 0), number)
    return month_name
end

local function settings_of(team)
    local settings = settings_by_team[team]
    if not settings then
        local read = call('HMGET', P .. 't:' .. team, 'signing', 'request_limit')
        settings = { signing = read[1] or '', limit = tonumber(read[2] or '') }
        settings_by_team[team] = settings
    end
    return settings
end

-- Count one request of a job or execution; false, and nothing is counted, if the month's are used up.
local function count_request(team)
    local limit, field = settings_of(team).limit, 'requests.' .. month()
    if limit then
        local used = used_by_team[team] or tonumber(call('HGET', P .. 'ledger:' .. team, field) or 0)
        if used >= limit then return false end
        used_by_team[team] = used + 1
    end
    tally(team, field, 1)
    return true
end

-- It was not sent after all.
local function uncount_request(team)
    tally(team, 'requests.' .. month(), -1)
end
