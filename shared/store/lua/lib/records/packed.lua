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

    -- Under which names a version before 2026-11-30 put the hours of a day.
    local function names_before(named)
        local names = {}
        for hour = 1, HOURS do names[hour] = named .. '@' .. hour - 1 end
        return names
    end

    -- Under which name a period has the text of an owner ('' = the team).
    function figures.name_of(owner)
        return PACKED .. owner
    end

    -- The text of a day in which a version before left that name's hours, or nothing.
    function figures.text_before(letter, key, named)
        if letter ~= DAY then return nil end
        local hours, is_there = call('HMGET', key, unpack(names_before(named))), false
        for n, hour in ipairs(hours) do
            if hour then is_there = true else hours[n] = '' end
        end
        return is_there and table.concat(hours, BETWEEN_HOURS)
    end

    -- The text of a day with these sums in one of its hours, to which they are added.
    local function with_hour(text, at, sums)
        local hours, its = {}, math.floor(at / HOUR) % HOURS + 1
        for hour in string.gmatch(text .. BETWEEN_HOURS, '([^;]*);') do hours[#hours + 1] = hour end
        for n = #hours + 1, HOURS do hours[n] = '' end
        add_text(sums, hours[its])
        hours[its] = packed(sums)
        return table.concat(hours, BETWEEN_HOURS)
    end

    -- Add what was gathered of a period that begins then to a longer one, which has texts; figures of queues only while there is room.
    function figures.pack(team, period, at, owners)
        local name, over_at = figures.period(team, period, at)
        local key, texts, is_day = P .. 'figures:' .. name, {}, period[1] == DAY
        local size = tonumber(call('HGET', key, SIZE) or 0)
        for owner, sums in pairs(owners) do
            local text = call('HGET', key, owner) or figures.text_before(period[1], key, owner)
            if text or owner == PACKED or size < MOST then
                if is_day then
                    size = size - call('HDEL', key, owner, unpack(names_before(owner)))
                    text, size = with_hour(text or '', at, sums), size + 1
                else
                    if text then add_text(sums, text) end
                    text, size = packed(sums), size + (text and 0 or 1)
                end
                texts[#texts + 1], texts[#texts + 2] = owner, text
            end
        end
        call('HSET', key, SIZE, size, unpack(texts))
        call('ZADD', P .. 'figures_until', over_at, name)
    end
end
