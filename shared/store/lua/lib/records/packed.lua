-- Figures of ten minutes and of hours: nothing is counted into them one by one, so that one text has all of the team, of a queue or
-- of `crons`. A month is read by as many texts as it has hours, and not by 79 fields of each.

do
    local MOST = 700 -- owners in a period: beyond them only the team's own are counted
    local PACKED, SIZE = '=', '#' -- before an owner's name, and how many there are: any other field is of an older version
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

    -- Add what was gathered to a period that has texts; figures of queues only while there is room for them.
    function figures.pack(name, over_at, owners)
        local key, texts = P .. 'figures:' .. name, {}
        local size = tonumber(call('HGET', key, SIZE) or 0)
        for owner, sums in pairs(owners) do
            local text = call('HGET', key, owner)
            if text or owner == PACKED or size < MOST then
                if text then add_text(sums, text) end
                texts[#texts + 1], texts[#texts + 2] = owner, packed(sums)
                size = size + (text and 0 or 1)
            end
        end
        call('HSET', key, SIZE, size, unpack(texts))
        call('ZADD', P .. 'figures_until', over_at, name)
    end
end
