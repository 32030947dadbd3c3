#!lua repeatable
-- Make a queue, or change one that is still as it was read.
--
-- Given `team`, `queue` and `version` (nothing = a new one), `name`, `spec` (JSON), `is_active`, now_ms; and what other
-- settings transitions decide by: fields and their values, '' for none.
-- Returns the row of `read_queues`; 'taken' if another queue has the name; 'stale' if the queue changed or went since it was read.

local team, now, id = given.team, moment(given.now_ms), given.queue
local name = given.name
local names = P .. 'names:' .. team
local holder = queue_by_name(team, name)
if holder and holder ~= id then return 'taken', REFUSED end

if not id then
    id = tostring(next_id(team, 'queue'))
    begin_queue(team, id)
    if given.maker then call('HSET', P .. 'q:' .. team .. ':' .. id, 'by', given.maker) end
else
    local known = fields_of(P .. 'q:' .. team .. ':' .. id, 'version', 'name')
    if known.version ~= given.version then return 'stale', REFUSED end
    if known.name and known.name ~= name then call('HDEL', names, known.name) end
end

local record = P .. 'q:' .. team .. ':' .. id
call('HSET', names, name, id)
call('HSET', record, 'name', name, 'spec', given.spec, 'is_active', given.is_active or 0, unpack(given_list()))
call('HSETNX', record, 'created', now)
call('HINCRBY', record, 'version', 1)
call('HDEL', record, 'lost')
call('HDEL', P .. 'damaged', 'q:' .. team .. ':' .. id)
keyed.look_anew(team .. ':' .. id)
refresh(team .. ':' .. id) -- a pause, a resume or another limit holds from the next claim on
note_change('queue', id)
return queue_row(team, id)
