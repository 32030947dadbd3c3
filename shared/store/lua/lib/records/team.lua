-- What a team set for itself, and the month its requests are counted in.

local settings_of, month

do
    local settings_by_team, month_name

    at_begin(function() settings_by_team, month_name = {}, nil end)

    function settings_of(team)
        local settings = settings_by_team[team]
        if not settings then
            local read = fields_of(P .. 't:' .. team, 'signing', 'request_limit', 'soft_limit', 'warned', 'channels', 'redact')
            settings = { signing = read.signing or '', limit = tonumber(read.request_limit or ''), soft_limit = tonumber(read.soft_limit or ''),
                warned = read.warned, channels = read.channels or '', redact = read.redact or '' }
            settings_by_team[team] = settings
        end
        return settings
    end

    -- The month in UTC that has certainly come, as in 2026-11 (days to civil date after H. Hinnant).
    function month()
        if month_name then return month_name end
        local days = math.floor(vouched() / 86400000) + 719468
        local era = math.floor(days / 146097)
        local day = days - era * 146097
        local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
        local shifted = math.floor((5 * (day - (365 * year + math.floor(year / 4) - math.floor(year / 100))) + 2) / 153)
        local number = shifted < 10 and shifted + 3 or shifted - 9
        month_name = string.format('%04d-%02d', year + era * 400 + (number <= 2 and 1 or 0), number)
        return month_name
    end
end
