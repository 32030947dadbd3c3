#!lua flags=no-writes
-- Figures of a team, or of one of its queues, or of its crons.
--
-- Given `team`, `of` (nothing = the whole team, or the id of a queue, or `crons`), `beside` (another one of these, or nothing); and
-- rows: `period` (its letter and start in ms) and `into`, a number under which what it has is added up.
-- Returns of each of both, per number that has something: the number, then the sums of all figures, in the order of
-- `figures.NAMES`; and of longer periods by turns a number and a text of all figures in that order, each to be added up too.

local PERIOD = { 'period', 'into' }
local MOST_WHOLE = 512 -- fields of a hash that Redis keeps as one list, in which each that is asked for is searched from the start
local team, of, beside = given.team, given.of, given.beside

-- What takes all that is read of one of them, and where it is gathered.
local function gathering(owner)
    local sums, answers, texts, fields, number_of = {}, {}, {}, {}, {}
    for i, figure in ipairs(figures.NAMES) do
        fields[i] = (owner and owner .. ':' or '') .. figure
        number_of[fields[i]] = i + 1
    end

    local function sum_of(into)
        if not sums[into] then
            local sum = { tonumber(into) }
            for i = 1, #fields do sum[i + 1] = 0 end
            sums[into] = sum
            answers[#answers + 1] = sum
        end
        return sums[into]
    end

    local function read(key, into)
        local size = call('HLEN', key)
        if size > MOST_WHOLE then
            local sum = sum_of(into)
            for i, value in ipairs(call('HMGET', key, unpack(fields))) do
                if value then sum[i + 1] = sum[i + 1] + value end
            end
        elseif size > 0 then
            local sum, whole = sum_of(into), call('HGETALL', key)
            for i = 1, 2 * size, 2 do
                local number = number_of[whole[i]]
                if number then sum[number] = sum[number] + whole[i + 1] end
            end
        end
    end

    local function take(key, into, text, has_more)
        if text then texts[#texts + 1], texts[#texts + 2] = tonumber(into), text end
        if has_more then read(key, into) end
    end

    return take, { answers, texts }
end

local take, found = gathering(of)
local take_beside, found_beside
if beside then take_beside, found_beside = gathering(beside) end

while more_rows() do
    local period, into = next_values(PERIOD)
    local key = P .. 'figures:' .. team .. ':' .. period
    local text, has_more, other = nil, true, nil
    if string.sub(period, 1, 1) ~= figures.PERIODS[1][1] then text, has_more, other = figures.packed(team, period, of or '', beside) end
    take(key, into, text, has_more)
    if take_beside then take_beside(key, into, other, has_more) end
end
return { found, found_beside or { {}, {} } }
