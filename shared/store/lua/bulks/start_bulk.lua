#!lua repeatable
-- Begin a change of many in the background:  (nothing) -> running.
--
-- Given `team`, `noun`, `ids` of which (16 digits each) and how many (`matched`), `named` (the same as the audit trail names
-- them), `action` or `change` (JSON), who wants it: `actor`, `token`, its `digest` and `limits` (JSON); `most_running` and
-- `most_kept` (of the team, running and ended), now_ms.
-- Returns its row as of `read_bulks`; or -1 if so many run. Of those that ended only the newest are kept.

local team, now = given.team, moment(given.now_ms)
local index, running, ended = P .. 'x:' .. team .. ':bulks', 0, {}
for _, id in ipairs(call('ZREVRANGE', index, 0, -1)) do
    local state = call('HGET', P .. 'bulk:' .. team .. ':' .. id, 'state')
    if state == 'running' then running = running + 1 else ended[#ended + 1] = id end
end
if running >= tonumber(given.most_running) then return { -1 }, REFUSED end

local id = tostring(next_id(team, 'bulk'))
call('HSET', P .. 'bulk:' .. team .. ':' .. id, 'v', 1, 'state', 'running', 'noun', given.noun, 'action', given.action or '',
    'change', given.change or '', 'actor', given.actor or '', 'token', given.token or '', 'digest', given.digest or '',
    'limits', given.limits or '', 'matched', given.matched, 'taken', 0, 'done', 0, 'unchanged', 0, 'missing', 0, 'refused', 0,
    'started', now)
call('SET', P .. 'bulk_ids:' .. team .. ':' .. id, given.ids)
call('ZADD', index, id, id)
call('SADD', P .. 'bulks', team .. ':' .. id)
for i = tonumber(given.most_kept) + 1, #ended do bulks.forget(team, ended[i]) end
note_change('bulk', id)
note_change(given.noun, given.named)
return bulks.row(team, id)
