#!lua flags=allow-oom
-- Note what became of those that a scheduler took and did not change, and let the next ones be taken:  running -> completed,
-- with the last of them. Those that it changed were noted as it did.
--
-- Given `team`, `bulk`, `holder` (who took them), now_ms; and rows: `id`, its `outcome` (unchanged, missing or refused), and
-- the `reason` of a refusal.
-- Returns how many are left of it.

local SETTLED = { 'id', 'outcome', 'reason' }
local team, id = given.team, given.bulk
local record = P .. 'bulk:' .. team .. ':' .. id
moment(given.now_ms)

local function note()
    local counts, its = { unchanged = 0, missing = 0, refused = 0 }, fields_of(record, 'state', 'holder')
    if its.state ~= 'running' then return 0 end
    while more_rows() do
        local row = next_row(SETTLED)
        if bulks.note_other(team, id, row.id, row.outcome == 'refused' and row.reason) then
            counts[row.outcome] = counts[row.outcome] + 1
        end
    end
    call('HINCRBY', record, 'unchanged', counts.unchanged)
    call('HINCRBY', record, 'missing', counts.missing)
    call('HINCRBY', record, 'refused', counts.refused)
    if its.holder == given.holder then call('HDEL', record, 'holder', 'held_until') end
    local left = bulks.left(team, id)
    if left == 0 then bulks.complete(team, id) end
    return left
end

local done, left = confined(team, 'bulk:' .. id, note)
return done and left or 0
