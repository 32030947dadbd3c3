-- Jobs that callers make, and their queues where those are new.

local making = {} -- its functions are no locals: the library has 200 at most

do
    local NEW_JOB = { 'queue', 'spec', 'delay_ms', 'at_ms', 'has_callback', 'expires_ms', 'rules', 'key' }
    local LATE, FAR, PAUSED, NEW = 0, -1, 1, 2
    local found

    at_begin(function() found = { queues = {}, is_promoted = false } end)

    -- What follows is done for one of several callers.
    function making.act_for(team, who, changes, maker)
        given.team, given.who, given.changes = team, who, changes
        given.maker = maker ~= '' and maker or nil
    end

    -- The next `count` rows of the call, or all that are left: each a job as its caller wants it.
    function making.rows(count)
        local rows = {}
        while more_rows() and #rows ~= count do rows[#rows + 1] = next_row(NEW_JOB) end
        return rows
    end

    -- What is there of a queue: its id, whether it is active, its rules and those of the team, in one text.
    function making.queue_named(team, name)
        local of_team = found.queues[team]
        if not of_team then
            of_team = {}
            found.queues[team] = of_team
        end
        local its = of_team[name]
        if its then return its end
        its = { id = queue_by_name(team, name) }
        if its.id then
            its.name = team .. ':' .. its.id
            its.limits = limits_of(its.name, 'redact', 'redact_of_team')
            its.rules, its.is_active = rules_of(team, its.id, its.limits), its.limits.is_active
        end
        if not its.is_active then its.rules = settings_of(team).redact end -- which it will have, made (anew) below
        of_team[name] = its
        return its
    end

    -- A queue that is there or is made now; `fresh` are those that the caller is the first of.
    function making.made_queue(team, name, settings, fresh)
        local its = making.queue_named(team, name)
        if its.standing then return its end
        if not its.id then
            its.id = tostring(next_id(team, 'queue'))
            write_queue(team, its.id, name, settings)
            its.standing = NEW
            if given.maker then call('HSET', P .. 'q:' .. team .. ':' .. its.id, 'by', given.maker) end
            fresh[#fresh + 1] = its
        else
            if not its.is_active then mend_queue(team, its.id, settings, name) end -- lost: nothing of it would ever start
            its.standing = its.is_active == '0' and PAUSED or 0
        end
        return its
    end

    function making.refusal(job)
        local longest = 31622400000 -- ms, a year
        local expires, begins = tonumber(job.expires_ms), math.max(vouched() + tonumber(job.delay_ms), tonumber(job.at_ms) or 0)
        return expires and expires <= begins and LATE or begins > vouched() + longest and FAR
    end

    -- Why nothing is made of the rows: all are refused, or the rules of a queue are others. Else nothing, and who is refused has
    -- that in place of its row.
    function making.kept_from(team, rows)
        local good, others, is_other = 0, { 'rules' }, {}
        for number, job in ipairs(rows) do
            local refused = making.refusal(job)
            rows[number] = refused or job
            local rules = not refused and making.queue_named(team, job.queue).rules
            if rules and rules ~= job.rules and not is_other[job.queue] then
                is_other[job.queue] = true
                others[#others + 1] = job.queue
                others[#others + 1] = rules
            end
            if not refused then good = good + 1 end
        end
        return good == 0 and rows or #others > 1 and others or nil
    end

    -- Make what one caller wants, and note it for its line of the trail:  (nothing) -> pending. Returns what `create_jobs.lua` does.
    function making.create(team, rows, settings)
        local kept = making.kept_from(team, rows)
        if kept then return kept, REFUSED end
        if not found.is_promoted then promote(moment(), 500) end -- whatever fell due before these jobs goes before them
        found.is_promoted = true
        local first, last, fresh = nil, nil, {}
        for number, job in ipairs(rows) do
            if type(job) == 'table' then
                local its = making.made_queue(team, job.queue, settings, fresh)
                job.due = math.max(moment() + tonumber(job.delay_ms), tonumber(job.at_ms) or 0)
                last = make_job(team, its.id, job)
                if its.is_active == '1' and touched[its.name] == PUSHED then touched[its.name] = its.limits end
                first = first or last
                rows[number] = { last, tonumber(its.id), job.due, its.standing }
            end
        end
        for _, its in ipairs(fresh) do
            note_change('queue', its.id)
            its.standing = 0 -- to the next caller
        end
        note_change('job', first == last and first or first .. '-' .. last) -- of one caller they have no gaps
        return rows
    end
end
