-- Records as a search looks at them: what cannot be what it looks for is known by its spec (JSON), and read no further.

local looks = {}

do
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
        return string.find(text, '^[%z\1-\127]*$') ~= nil -- four times as fast as to look for another one
    end

    -- Whether its name or URL may have the letters of a pattern, and all of it a text in lower case; nothing is not looked for.
    -- Characters beyond ASCII, and quotes, may mean others than those they are written by: what has them may have anything.
    function looks.may_be(spec, letters, text)
        if not spec then return true end
        if letters then
            local head = string.lower(head_of(spec))
            if not string.find(head, letters) and not string.find(head, '\\', 1, true) and is_ascii(head) then return false end
        end
        return not text or string.find(string.lower(spec), text, 1, true) or string.find(spec, '\\u', 1, true) or not is_ascii(spec)
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
