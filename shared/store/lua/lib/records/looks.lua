-- Records as a search looks at them: what cannot be what it looks for is known by its spec (JSON), and read no further.

local looks = {}

do
    local AT_ONCE = 64 -- ids of one index
    local TOGETHER, LONG = 10, 4096 -- texts that are read by one command, and how long they are if one each is better
    local MOST_READ = 262144 -- bytes in a step: what is looked for in long texts takes as long as they are
    local SHORT_BEGINS = '{"url":"' -- a spec that has only what differs from the defaults

    -- The beginning of a spec with its name and URL; all of one that does not have them first, as older versions stored them.
    local function head_of(spec)
        local _, before = string.find(spec, '"url":"', 1, true)
        local at_end = before and string.find(spec, '"', before + 1, true)
        if at_end and (before == #SHORT_BEGINS or string.sub(spec, 1, #SPEC_BEGINS) == SPEC_BEGINS) then
            return string.sub(spec, 1, at_end)
        end
        return spec
    end

    local function is_ascii(text)
        return string.find(text, '^[\1-\127%z]*$') ~= nil -- four times as fast as to look for another one
    end

    local function has_no_capital(text) -- nor anything beyond ASCII; what most characters are comes first
        return string.find(text, '^[\91-\127\1-\64%z]*$') ~= nil
    end

    -- What tells of a text (JSON) whether it may have this one, which is in lower case, in some case; nothing is not looked for. What
    -- has no letter is written in one way, or by its number: few texts have that part of it, and most are passed over by it alone.
    -- Characters beyond ASCII may mean others than those they are written by: what has them may have any letter.
    function looks.finder(wanted)
        if not wanted then return nil end
        local sign = ''
        for part in string.gmatch(wanted, '%A+') do
            if #part > #sign then sign = part end
        end
        return function(text)
            if not string.find(text, sign, 1, true) then return string.find(text, '\\u', 1, true) ~= nil end
            if sign == wanted or string.find(text, wanted, 1, true) or string.find(text, '\\u', 1, true) then return true end
            if has_no_capital(text) then return false end
            return string.find(string.lower(text), wanted, 1, true) ~= nil or not is_ascii(text)
        end
    end

    -- Whether its name or URL may have the letters of a pattern, in any case, and all of it what a finder looks for, if they are given.
    function looks.may_be(spec, letters, finds)
        if not spec then return true end
        if letters then
            local head = string.lower(head_of(spec))
            if not string.find(head, letters) and string.find(head, '^[\93-\127\1-\91%z]*$') then return false end -- no escapes
        end
        return not finds or finds(spec)
    end

    -- Ids in disjoint indexes, the highest first, below `before` (nothing = from the highest on), and so many at most; whether
    -- there are more.
    function looks.below(indexes, before, count)
        local lists, places, heads, ids = {}, {}, {}, {}
        local function fill(n, from)
            lists[n] = call('ZREVRANGEBYSCORE', P .. indexes[n], from and '(' .. from or '+inf', '-inf', 'LIMIT', 0, AT_ONCE)
            places[n], heads[n] = 1, tonumber(lists[n][1])
        end
        local function highest() -- and below which head another one is higher
            local found, first, second = nil, 0, 0
            for n = 1, #indexes do
                local head = heads[n] or 0
                if head > first then
                    found, first, second = n, head, first
                elseif head > second then
                    second = head
                end
            end
            return found, second
        end
        for n = 1, #indexes do fill(n, before) end
        local n, second = highest()
        while n and #ids < count do
            local list, place = lists[n], places[n]
            ids[#ids + 1] = list[place]
            if place == AT_ONCE then
                fill(n, list[place])
            else
                places[n], heads[n] = place + 1, tonumber(list[place + 1])
            end
            if not heads[n] or heads[n] < second then n, second = highest() end
        end
        return ids, n ~= nil
    end

    -- The texts of these keys, of each no more than `most` bytes, as far as one step reads: `see` is given a key's place and its
    -- text or false, and returns how many bytes it read beside. Returns how many were read. A command for each key would take
    -- longer than all else of a search; but where texts are long, they are not read whole. What a finder does not find is not seen.
    function looks.texts(keys, most, mark, finds, see)
        local are_long, read = true, 0 -- until the first ones are known: ten of a mebibyte would take long
        for first = 1, #keys, TOGETHER do
            if read > MOST_READ then return first - 1 end
            local last = math.min(first + TOGETHER - 1, #keys)
            local texts, size = are_long and {} or call('MGET', unpack(keys, first, last)), 0
            for n = first, last do
                local text = texts[n - first + 1]
                if are_long then text = beginning_in(keys[n], most, mark) end
                size = size + (text and #text or 0)
                if not (text and finds) or finds(text) then read = read + see(n, beginning_of(text, most, mark)) end
            end
            are_long, read = size > LONG * TOGETHER, read + size
        end
        return #keys
    end

    -- Fields as `fields_of` has them, their names and values by turns.
    function looks.flat(fields)
        local flat = {}
        for name, value in pairs(fields) do
            flat[#flat + 1] = name
            flat[#flat + 1] = value
        end
        return flat
    end
end
