-- A team's requests of the month: counted where they start, against its limits.

local USED_UP = '{"failure_reason":"limit_exceeded","error_message":"The team has made all requests of its monthly '
    .. 'limit; nothing was sent."}'
local count_request

do
    local used_by_team

    at_begin(function() used_by_team = {} end)

    -- Count one request of a job or execution; false, and nothing is counted, if the month's are used up.
    function count_request(team)
        local settings, field = settings_of(team), 'requests.' .. month()
        if settings.limit or settings.soft_limit then
            local used = used_by_team[team] or tonumber(call('HGET', P .. 'ledger:' .. team, field) or 0)
            if settings.limit and used >= settings.limit then return false end
            used_by_team[team] = used + 1
            if settings.soft_limit and used + 1 > settings.soft_limit and settings.warned ~= month() then
                settings.warned = month()
                call('HSET', P .. 't:' .. team, 'warned', month())
                alert(team, { type = 'limit_warning', kind = 'team', of = team, failures = used + 1, is_announced = true })
            end
        end
        tally(team, field, 1)
        return true
    end
end

-- It was not sent after all.
local function uncount_request(team)
    tally(team, 'requests.' .. month(), -1)
end
