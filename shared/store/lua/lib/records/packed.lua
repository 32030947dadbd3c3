-- Figures of minutes that are over, of ten minutes, of hours and of days: nothing is counted into them one by one, so that one text has
-- all of the team, of a queue or of `crons`. A day has those of its hours in one, with a separator between them: a month is read by
-- as few fields as it has days.

do
    local MOST = 700 -- owners in a period: beyond them only the team's own are counted
    local PACKED, SIZE = '=', '#' -- before an owner's name, and how many there are: any other field is of an older version
    local DAY, HOUR, HOURS, BETWEEN_HOURS = 'd', 3600000, 24, ';'
    local PLACES = {}

    -- All figures, by their places in a packed text; what is empty there, or behind its end, is 0.
    local MEASURED = { 'completed', 'retried', 'failed', 'waited', 'late' }
    figures.NAMES = { 'started', 'completed', 'failed', 'skipped' }
    for n = 1, #MEASURED do -- without ipairs, which Redis does not have while it loads the library
        for bucket = 0, 14 do figures.NAMES[#figures.NAMES + 1] = MEASURED[n] .. bucket end
    end
    for place = 1, #figures.NAMES do PLACES[figures.NAMES[place]] = place end

    -- Add a text to sums by their places, which makes them that many at least; it raises an error if it has anything but numbers.
    local function add_text(sums, text)
        local place = 0
        for value in string.gmatch(text .. ',', '([^,]*),') do
            place = place + 1
            sums[place] = (sums[place] or 0) + (value == '' and 0 or tonumber(value))
        end
    end

    local function packed(sums)
        local last, texts = 0, {}
        for place, sum in pairs(sums) do
            if sum ~= 0 then last = math.max(last, place) end
        end
        for place = 1, last do texts[place] = (sums[place] or 0) ~= 0 and string.format('%.0f', sums[place]) or '' end
        return table.concat(texts, ',')
    end

    -- Whether a field is a text, or says how many there are.
    function figures.is_packed(field)
        return field == SIZE or string.sub(field, 1, 1) == PACKED
    end

    -- Gather a field of a stored period: sums by the owners of texts, and by their places. Returns how many figures that were.
    function figures.gather(owners, field, value)
        if field == SIZE then return 0 end
        local owner, place = field, nil
        if string.sub(field, 1, 1) ~= PACKED then
            local name, figure = string.match(field, '^(.-):?(%l+%d*)$')
            owner, place = PACKED .. (name or ''), PLACES[figure]
            if not place then return 1 end
        end
        local sums = owners[owner] or {}
        owners[owner] = sums
        if not place then
            add_text(sums, value)
            return #figures.NAMES
        end
        sums[place] = (sums[place] or 0) + tonumber(value)
        return 1
    end

    -- Under which name a period has the text of an owner ('' = the team).
    function figures.name_of(owner)
        return PACKED .. owner
    end

    -- The text of a day with these sums added to one of its hours, which count from 1.
    local function with_hour(text, hour, sums)
        local hours = {}
        for one in string.gmatch((text or '') .. BETWEEN_HOURS, '([^;]*);') do hours[#hours + 1] = one end
        for n = #hours + 1, HOURS do hours[n] = '' end
        add_text(sums, hours[hour])
        hours[hour] = packed(sums)
        return table.concat(hours, BETWEEN_HOURS)
    end

    -- The text of a period (or nothing) with what the first version that had days put into a field for each hour; and the names of these.
    function figures.with_hours(letter, key, named, text)
        local names, found = {}, {}
        if letter ~= DAY then return text, found end
        for hour = 1, HOURS do names[hour] = named .. '@' .. hour - 1 end
        for hour, its in ipairs(call('HMGET', key, unpack(names))) do
            if its then
                local sums = {}
                add_text(sums, its)
                text, found[#found + 1] = with_hour(text, hour, sums), names[hour]
            end
        end
        return text, found
    end

    -- Add what was gathered of a period that begins then to a longer one, which has texts; figures of queues only while there is room.
    function figures.pack(team, period, at, owners)
        local name, over_at = figures.period(team, period, at)
        local key, texts, gone, letter = P .. 'figures:' .. name, {}, {}, period[1]
        local size = tonumber(call('HGET', key, SIZE) or 0)
        for owner, sums in pairs(owners) do
            local known = call('HGET', key, owner)
            local text, hours = figures.with_hours(letter, key, owner, known)
            if text or owner == PACKED or size < MOST then
                if letter == DAY then
                    text = with_hour(text, math.floor(at / HOUR) % HOURS + 1, sums)
                else
                    if text then add_text(sums, text) end
                    text = packed(sums)
                end
                texts[#texts + 1], texts[#texts + 2] = owner, text
                size = size + (known and 0 or 1) - #hours
                for _, hour in ipairs(hours) do gone[#gone + 1] = hour end
            end
        end
        call('HSET', key, SIZE, size, unpack(texts))
        call_in_parts(gone, 'HDEL', key)
        call('ZADD', P .. 'figures_until', over_at, name)
    end
end
