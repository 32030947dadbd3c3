-- The outbox: notices of what was finished, written with the state they tell of, waiting in a team's hidden queue.

-- `subject` is `j:<job>` or `e:<cron>:<execution>`; `name` is what happened.
local function tell(team, subject, name)
    local id = call('HINCRBY', P .. 'ids:' .. team, 'notice', 1)
    local entry = push(team .. ':outbox', 'n:' .. id, READY)
    call('HSET', P .. 'n:' .. team .. ':' .. id, 'v', 1, 'queue', 'outbox', 'state', 'pending', 'attempt', 1,
        'subject', subject, 'name', name, 'due', 0, 'entry', entry)
end

local function record_of_subject(team, subject)
    local kind, id = string.match(subject, '^(%a):.-(%d+)$')
    return P .. kind .. ':' .. team .. ':' .. id
end

-- What became of a notice stands on what it tells of: `delivered`, `retrying` or `failed`.
local function settle_notice(team, id, verdict, due)
    local notice = P .. 'n:' .. team .. ':' .. id
    local subject = record_of_subject(team, call('HGET', notice, 'subject'))
    local outcome = { complete = 'delivered', retry = 'retrying' }
    if call('EXISTS', subject) == 1 then call('HSET', subject, 'callback', outcome[verdict] or 'failed') end
    if verdict == 'retry' then
        call('HINCRBY', notice, 'attempt', 1)
        call('HSET', notice, 'state', 'pending', 'due', due, 'entry', '')
        wait_until('n', team, id, due)
    else
        call('DEL', notice)
    end
end
