#!lua
-- Make jobs of several callers, none of whom has an idempotency key:  (nothing) -> pending.
--
-- Given `settings` of a new queue (JSON); and per caller a row: `team`, `who` and `changes` of its line in the audit trail, `maker`
-- ('' if none), `jobs` (how many); then these as in `create_jobs.lua`.
-- Returns per caller what `create_jobs.lua` returns; or an error as text, if what is stored kept its jobs from being made.

local CREATOR = { 'team', 'who', 'changes', 'maker', 'jobs' }
local answers = {}

local function serve(creator)
    making.act_for(creator.team, creator.who, creator.changes, creator.maker)
    local rows = making.rows(tonumber(creator.jobs))
    local done, answer, refused = pcall(making.create, creator.team, rows, given.settings)
    if not done then
        take_damage(creator.team, '', answer)
        return type(answer) == 'table' and answer.err or tostring(answer)
    end
    if not refused then confined(creator.team, '', write_trail) end
    return answer
end

while more_rows() do answers[#answers + 1] = serve(next_row(CREATOR)) end
conclude()
return answers
