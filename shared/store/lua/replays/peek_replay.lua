#!lua flags=no-writes
-- Read how a replay changes requests, and those that it would send next.
--
-- Given `team`, `replay`, `most` of them, `most_bytes` of which only the last one may be beyond.
-- Returns the change (JSON, or nothing if it has ended), then per dead letter: its id, its spec (JSON, or '' if it is lost), and
-- what is not kept of requests of its queue (JSON, or '').

local team, id, rules = given.team, given.replay, {}
local rows, left = { call('GET', P .. 'replay_change:' .. team .. ':' .. id) }, tonumber(given.most_bytes)
for _, job in ipairs(call('LRANGE', P .. 'replay_ids:' .. team .. ':' .. id, 0, given.most - 1)) do
    if left <= 0 then break end
    local first = original_of(team, job)
    local spec, queue = call('GET', P .. 'b:' .. team .. ':' .. first) or '', call('HGET', record_of(JOB, team, first), 'queue') or ''
    rules[queue] = rules[queue] or rules_of(team, queue)
    left = left - #spec
    rows[#rows + 1] = { job, spec, rules[queue] }
end
return rows
