-- What becomes of a notice: it is delivered, tried again or given up.

-- What it tells of says so from then on: `delivered`, `retrying` or `failed`.
local function settle_notice(team, id, result)
    local notice, tries_again = P .. 'n:' .. team .. ':' .. id, result.verdict == 'retry'
    local fields = fields_of(notice, 'subject', 'name')
    if string.sub(fields.subject, 1, 1) == ALERT then
        tries_again = settle_alert_notice(team, fields.subject, fields.name, result.verdict, result.facts)
    else
        local subject, outcomes = record_of_subject(team, fields.subject), { complete = 'delivered', retry = 'retrying' }
        local outcome, origin = outcomes[result.verdict] or 'failed', call('HGET', subject, 'origin')
        -- Whoever asks for the chain by its name is told too. Of a deleted queue either may be gone before the other.
        for _, record in ipairs({ subject, origin and record_of(JOB, team, origin) or nil }) do
            if call('EXISTS', record) == 1 then call('HSET', record, 'callback', outcome) end
        end
    end
    if tries_again then
        call('HINCRBY', notice, 'attempt', 1)
        call('HDEL', notice, 'held_since', 'waits_for')
        call('HSET', notice, 'state', 'pending', 'due', result.due, 'entry', '', 'postponed', moment())
        wait_until(NOTICE, team, id, result.due)
    else
        call('DEL', notice)
    end
end
