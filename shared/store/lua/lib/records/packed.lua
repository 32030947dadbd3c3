-- Figures of minutes that are over, of ten minutes, of hours and of days: nothing is counted into them one by one, so that one text has
-- all of the team, of a queue or of `crons`. A day has a text of each of its hours: a month is read by as few keys as it has days.

do
    local MOST = 700 -- owners in a period: beyond them only the team's own are counted
    local PACKED, SIZE = '=', '#' -- before an owner's name, and how many there are: any other field is of an older version
    local DAY, HOUR, HOURS = 'd', 3600000, 24
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

    -- By which names a period has the texts of an owner ('' = the team): one, or in a day those of its hours.
    function figures.texts_of(letter, owner)
        if letter ~= DAY then return { PACKED .. owner } end
        local names = {}
        for hour = 1, HOURS do names[hour] = PACKED .. owner .. '@' .. hour - 1 end
        return names
    end

    -- Add what was gathered of a period that begins then to a longer one, which has texts; figures of queues only while there is room.
    function figures.pack(team, period, at, owners)
        local name, over_at = figures.period(team, period, at)
        local key, texts, most, hour = P .. 'figures:' .. name, {}, MOST, ''
        if period[1] == DAY then most, hour = HOURS * MOST, '@' .. math.floor(at % period[2] / HOUR) end
        local size = tonumber(call('HGET', key, SIZE) or 0)
        for owner, sums in pairs(owners) do
            local named = owner .. hour
            local text = call('HGET', key, named)
            if text or owner == PACKED or size < most then
                if text then add_text(sums, text) end
                texts[#texts + 1], texts[#texts + 2] = named, packed(sums)
                size = size + (text and 0 or 1)
            end
        end
        call('HSET', key, SIZE, size, unpack(texts))
        call('ZADD', P .. 'figures_until', over_at, name)
    end
end
