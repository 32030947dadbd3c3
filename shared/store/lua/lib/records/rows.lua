-- Records as `read_*` return them, for scripts that answer with what they have written.

local SPEC_BEGINS, RUN_BEGINS = '{"method"', '{' -- how long texts begin whose short fields come first

-- A text, or its beginning if it is longer than `most` bytes (0 = any length is read) and starts with `mark`: what was
-- stored by versions that did not put its short fields first is read whole.
local function beginning_of(text, most, mark)
    if most == 0 or not text or #text <= most or string.sub(text, 1, #mark) ~= mark then return text end
    return (string.gsub(string.sub(text, 1, most), '[\194-\244][\128-\191]*$', '')) -- no half characters
end

-- The same of what is in a key.
local function beginning_in(key, most, mark)
    local text = most > 0 and call('GETRANGE', key, 0, most)
    if not text or text == '' or (#text > most and string.sub(text, 1, #mark) ~= mark) then return call('GET', key) end
    return beginning_of(text, most, mark)
end

local name_of_queue

do
    local queue_names

    at_begin(function() queue_names = {} end)

    function name_of_queue(team, queue)
        if queue_names[queue] == nil then queue_names[queue] = call('HGET', P .. 'q:' .. team .. ':' .. queue, 'name') end
        return queue_names[queue]
    end
end

-- Who made a retry is who made the first job of its chain, whose record alone says so.
local function add_makers(fields, team, origin)
    for name, value in pairs(fields_of(P .. 'j:' .. team .. ':' .. origin, 'by', 'replay')) do
        fields[#fields + 1] = name
        fields[#fields + 1] = value
    end
end

-- id, its fields, the spec (JSON), queue name, run (JSON or nothing); nothing for a job that is not there, or whose
-- queue was deleted. Of the two texts no more than `most` bytes, if it is not 0.
local function job_row(team, id, with_run, most)
    local fields = call('HGETALL', P .. 'j:' .. team .. ':' .. id)
    local queue, origin
    for f = 1, #fields, 2 do
        if fields[f] == 'queue' then queue = fields[f + 1] end
        if fields[f] == 'origin' then origin = fields[f + 1] end
        if fields[f] == 'problem' then fields[f + 1] = problems.link(team, fields[f + 1]) end
    end
    if not queue or not name_of_queue(team, queue) then return nil end
    if origin then add_makers(fields, team, origin) end
    local spec = beginning_in(P .. 'b:' .. team .. ':' .. (origin or id), most, SPEC_BEGINS) or ''
    return { id, fields, spec, name_of_queue(team, queue), with_run and beginning_in(P .. 'r:' .. team .. ':j' .. id, most, RUN_BEGINS) }
end

-- id, its fields, then the counts of its jobs that are pending, processing, completed, failed, retrying and dead_lettered.
local function queue_row(team, id)
    local fields = call('HGETALL', P .. 'q:' .. team .. ':' .. id)
    if #fields == 0 then return nil end
    local row = { id, fields }
    for _, state in ipairs(STATES.job) do
        row[#row + 1] = call('ZCARD', P .. 'x:' .. team .. ':q' .. id .. ':' .. state)
    end
    return row
end
