-- Figures of hours: nothing is counted into them one by one, so that one text has all of the team, of a queue or of `crons`. A month
-- is read by as many texts as it has hours, and not by 79 fields of each.

do
    local MOST = 700 -- owners in an hour: beyond them only the team's own are counted
    local PACKED, SIZE = '=', '#' -- before an owner's name, and how many there are: any other field is of an older version
    local PLACES = {}

    -- All figures, by their places in a packed text; what is empty there, or behind its end, is 0.
    local MEASURED = { 'completed', 'retried', 'failed', 'waited', 'late' }
    figures.NAMES = { 'started', 'completed', 'failed', 'skipped' }
    for n = 1, #MEASURED do -- without ipairs, which Redis does not have while it loads the library
        for bucket = 0, 14 do figures.NAMES[#figures.NAMES + 1] = MEASURED[n] .. bucket end
    end
    for place = 1, #figures.NAMES do PLACES[figures.NAMES[place]] = place end

    -- The text with these figures added, which are by their places; it raises an error if it has anything but numbers.
    local function packed(text, sums)
        local place, last = 0, 0
        for value in string.gmatch(text .. ',', '([^,]*),') do
            place = place + 1
            sums[place] = (sums[place] or 0) + (value == '' and 0 or tonumber(value))
        end
        for at, sum in pairs(sums) do
            if sum ~= 0 then last = math.max(last, at) end
        end
        for at = 1, last do sums[at] = (sums[at] or 0) ~= 0 and string.format('%.0f', sums[at]) or '' end
        return table.concat(sums, ',', 1, last)
    end

    -- Figures by the field of their owner, and by their places.
    local function by_owner(rows)
        local owners = {}
        for field, by in pairs(rows) do
            local owner, figure = string.match(field, '^(.-):?(%l+%d*)$')
            local place = PLACES[figure]
            if place then
                owners[PACKED .. owner] = owners[PACKED .. owner] or {}
                owners[PACKED .. owner][place] = by
            end
        end
        return owners
    end

    -- Add figures to those of an hour; those of queues only while there is room for them.
    function figures.pack(name, over_at, rows)
        local key, texts = P .. 'figures:' .. name, {}
        local size = tonumber(call('HGET', key, SIZE) or 0)
        for owner, sums in pairs(by_owner(rows)) do
            local text = call('HGET', key, owner)
            if text or owner == PACKED or size < MOST then
                texts[#texts + 1], texts[#texts + 2] = owner, packed(text or '', sums)
                size = size + (text and 0 or 1)
            end
        end
        call('HSET', key, SIZE, size, unpack(texts))
        call('ZADD', P .. 'figures_until', over_at, name)
    end

    -- What an hour has of an owner ('' = the team) as one text, or nothing; whether it has figures that are in no text; and what it
    -- has of another owner, if one is given.
    function figures.packed(team, period, owner, other)
        local key, names = P .. 'figures:' .. team .. ':' .. period, { SIZE, PACKED .. owner, other and PACKED .. other }
        local size, text, beside = values_of(key, unpack(names))
        return text, call('HLEN', key) > (size and size + 1 or 0), beside
    end
end
