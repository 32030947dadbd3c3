#!lua flags=no-writes
-- Figures of a team, or of one of its queues, or of its crons.
--
-- Given `team`, `of` (nothing = the whole team, or the id of a queue, or `crons`), `beside` (another one of these, or nothing); and
-- rows, each of so many stored `periods` one after another: their `letter`, and where the first `starts` (ms).
-- Returns for each of the two by turns where a period starts (ms), and a text of all figures in the order of `figures.NAMES`, with
-- commas: an empty one is 0, as is what is behind its end. Of a day it has a text for each hour, with a separator between them, each
-- or nothing. A period may have several texts, which are to be added up.

local PERIODS = { 'letter', 'starts', 'periods' }
local MOST_WHOLE = 512 -- fields of a hash that Redis keeps as one list, in which each that is asked for is searched from the start
local LENGTHS = {}
for _, period in ipairs(figures.PERIODS) do LENGTHS[period[1]] = period[2] end
local owners = { given.of or '', given.beside }
local prefix = P .. 'figures:' .. given.team .. ':'
local texts, packed_as, names, places = {}, {}, {}, {} -- all by the place of the owner

for i, owner in ipairs(owners) do texts[i], packed_as[i] = {}, figures.name_of(owner) end

-- The names of an owner's fields by the places of the figures, and the other way round.
local function named(i)
    if not names[i] then
        local owner = owners[i] == '' and '' or owners[i] .. ':'
        names[i], places[i] = {}, {}
        for place, figure in ipairs(figures.NAMES) do
            names[i][place], places[i][owner .. figure] = owner .. figure, place
        end
    end
    return names[i], places[i]
end

-- What an owner has in the fields of a period, of which there are so many.
local function read(i, key, size)
    local fields, place_of = named(i)
    if size > MOST_WHOLE then
        local values = call('HMGET', key, unpack(fields))
        for place, value in ipairs(values) do
            values[place] = (value or 0) + 0 -- an error if it is no number
        end
        return values
    end
    local sum = {}
    for place = 1, #fields do sum[place] = 0 end
    local whole = call('HGETALL', key)
    for j = 1, 2 * size, 2 do
        local place = place_of[whole[j]]
        if place then sum[place] = whole[j + 1] + 0 end
    end
    return sum
end

local function take_text(i, at, text)
    local its, n = texts[i], #texts[i]
    its[n + 1], its[n + 2] = at, text
end

-- Take what the owners have in a period that begins then, first of all their texts if it may have some.
local function take(letter, key, at)
    local size = call('HLEN', key)
    if size == 0 then return end
    local found = call('HMGET', key, '#', unpack(packed_as))
    for i, name in ipairs(packed_as) do
        local text = found[1 + i] or figures.with_hours(letter, key, name)
        if text then take_text(i, at, text) end
    end
    local texts_of_all = unpack(found, 1, 1)
    if size > (texts_of_all and texts_of_all + 1 or 0) then
        for i = 1, #owners do take_text(i, at, table.concat(read(i, key, size), ',')) end
    end
end

while more_rows() do
    local letter, starts, periods = next_values(PERIODS)
    local before, length = prefix .. letter, LENGTHS[letter]
    for at = starts, starts + (periods - 1) * length, length do
        take(letter, before .. string.format('%d', at), at)
    end
end
return texts
