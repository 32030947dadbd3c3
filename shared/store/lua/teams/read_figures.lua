#!lua flags=no-writes
-- Figures of a team, or of one of its queues, or of its crons.
--
-- Given `team`, `of` (nothing = the whole team, or the id of a queue, or `crons`), `beside` (another one of these, or nothing), `since`
-- (ms) and `length` (ms) of so many `spans` of time, the first of which has the number 0; and rows, each of so many stored `periods`
-- one after another: their `letter`, and where the first `starts` (ms).
-- Returns for each of the two by turns the number of a span, and a text of all figures in the order of `figures.NAMES`, with commas:
-- an empty one is 0, as is what is behind its end. A span may have several texts, which are to be added up.

local PERIODS = { 'letter', 'starts', 'periods' }
local MOST_WHOLE = 512 -- fields of a hash that Redis keeps as one list, in which each that is asked for is searched from the start
local LENGTHS = {}
for _, period in ipairs(figures.PERIODS) do LENGTHS[period[1]] = period[2] end
local owners = { given.of or '', given.beside }
local since, length_of_spans, spans = tonumber(given.since), tonumber(given.length), tonumber(given.spans)
local prefix = P .. 'figures:' .. given.team .. ':'
local texts, sums, names, places = {}, {}, {}, {} -- all by the place of the owner; the sums of what is in no text, by its spans

for i = 1, #owners do texts[i], sums[i] = {}, {} end

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

local function sum_of(i, span)
    local sum = sums[i][span]
    if not sum then
        sum = {}
        for place = 1, #figures.NAMES do sum[place] = 0 end
        sums[i][span] = sum
    end
    return sum
end

-- Add what an owner has in the fields of a period, of which there are so many.
local function read(i, key, size, span)
    local fields, place_of = named(i)
    local sum = sum_of(i, span)
    if size > MOST_WHOLE then
        local values = call('HMGET', key, unpack(fields))
        for place = 1, #fields do
            if values[place] then sum[place] = sum[place] + values[place] end
        end
        return
    end
    local whole = call('HGETALL', key)
    for j = 1, 2 * size, 2 do
        local place = place_of[whole[j]]
        if place then sum[place] = sum[place] + whole[j + 1] end
    end
end

local function take_text(i, span, text)
    local its = texts[i]
    if text and span >= 0 and span < spans then its[#its + 1], its[#its + 2] = span, text end
end

local function span_of(at)
    return math.floor((at - since) / length_of_spans)
end

-- Take the texts of the owners in a period that begins then (ms). Returns how many of its fields are of texts.
local function take_texts(key, at, of)
    local in_texts = 0
    for n, value in ipairs(call('HMGET', key, '#', unpack(of.names))) do
        if n == 1 then
            in_texts = value and value + 1 or 0
        elseif value then
            take_text(of.owners[n - 1], span_of(at + of.after[n - 1]), value)
        end
    end
    return in_texts
end

-- Take what the owners have in a period that begins then, first of all their texts if it may have some.
local function take(key, at, of)
    local size = call('HLEN', key)
    if size == 0 then return end
    local in_texts = take_texts(key, at, of)
    if size > in_texts then
        for i = 1, #owners do read(i, key, size, span_of(at)) end
    end
end

-- Which texts periods of a letter have: by which names, whose, and how long after the beginning (ms).
local function texts_in(letter)
    local of = { names = {}, owners = {}, after = {} }
    for i, owner in ipairs(owners) do
        local parts = figures.texts_of(letter, owner)
        for n, name in ipairs(parts) do
            of.names[#of.names + 1], of.owners[#of.owners + 1] = name, i
            of.after[#of.after + 1] = (n - 1) * LENGTHS[letter] / #parts
        end
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
for i = 1, #owners do
    for span, sum in pairs(sums[i]) do take_text(i, span, table.concat(sum, ',')) end
end
return texts
