#!lua flags=no-writes
-- Figures of a team, or of one of its queues, or of its crons.
--
-- Given `team`, `of` (nothing = the whole team, or the id of a queue, or `crons`), `beside` (another one of these, or nothing); and
-- rows, each of so many stored `periods` one after another: their `letter`, and where the first `starts` (ms).
-- Returns for each of the two by turns where a period starts (ms), and a text of all figures in the order of `figures.NAMES`, with
-- commas: an empty one is 0, as is what is behind its end. Of a day it has a text for each hour, with a separator between them, each
-- or nothing. A period may have several texts, which are to be added up.

local SEPARATOR = ';' -- between the hours of a day
local PERIODS = { 'letter', 'starts', 'periods' }
local MOST_WHOLE = 512 -- fields of a hash that Redis keeps as one list, in which each that is asked for is searched from the start
local LENGTHS = {}
for _, period in ipairs(figures.PERIODS) do LENGTHS[period[1]] = period[2] end
local owners = { given.of or '', given.beside }
local prefix = P .. 'figures:' .. given.team .. ':'
local texts, names, places = {}, {}, {} -- all by the place of the owner

for i = 1, #owners do texts[i] = {} end

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

-- Take the texts of the owners in a period that begins then (ms). Returns how many of its fields are of texts.
local function take_texts(key, at, of)
    local found = call('HMGET', key, '#', unpack(of.names))
    for i = 1, #owners do
        local first, last, is_there = 2 + (i - 1) * of.each, 1 + i * of.each, false
        for n = first, last do
            if found[n] then is_there = true else found[n] = '' end
        end
        if is_there then take_text(i, at, table.concat(found, SEPARATOR, first, last)) end
    end
    local texts_of_all = unpack(found, 1, 1)
    return texts_of_all and texts_of_all + 1 or 0
end

-- Take what the owners have in a period that begins then, first of all their texts if it may have some.
local function take(key, at, of)
    local size = call('HLEN', key)
    if size == 0 then return end
    local in_texts = take_texts(key, at, of)
    if size > in_texts then
        for i = 1, #owners do take_text(i, at, table.concat(read(i, key, size), ',')) end
    end
end

-- Under which names periods of a letter have texts of the owners, so many of each.
local function texts_in(letter)
    local of = { names = {}, each = 0 }
    for _, owner in ipairs(owners) do
        local its = figures.texts_of(letter, owner)
        of.each = #its
        for _, name in ipairs(its) do of.names[#of.names + 1] = name end
    end
    return of
end

while more_rows() do
    local letter, starts, periods = next_values(PERIODS)
    local before, length, of = prefix .. letter, LENGTHS[letter], texts_in(letter)
    for at = starts, starts + (periods - 1) * length, length do
        take(before .. string.format('%d', at), at, of)
    end
end
return texts
