-- The audit trail: a line for each write of a caller, written by the call that does it.

local note_change, write_trail

do
    local MOST_CHANGES, MOST_OF_JOBS = 100000, 20000 -- lines kept of a team; single jobs come by the thousand
    local about, is_of_jobs

    at_begin(function() about, is_of_jobs = {}, false end)

    -- Something that the call changes: `cron`, and its id.
    function note_change(noun, id)
        about[#about + 1] = noun .. ':' .. id
        if noun == 'job' then is_of_jobs = true end
    end

    -- Who does it, and what changes in which fields, is the caller's to say; Recuro's own writes leave no line, but for the pause of a cron.
    function write_trail()
        if not given.who then return end
        call('XADD', P .. (is_of_jobs and 'audit_jobs:' or 'audit:') .. given.team, 'MAXLEN', '~', is_of_jobs and MOST_OF_JOBS or MOST_CHANGES,
            '*', 'at', moment(), 'who', given.who, 'about', table.concat(about, ','), 'changes', given.changes or '')
        about = {} -- of the next line, in the trail of another team
    end
end
