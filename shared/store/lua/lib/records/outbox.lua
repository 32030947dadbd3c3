-- The outbox: notices of what was finished, written with the state they notify of, waiting in a team's hidden queues.

-- `queue` is `outbox` for callbacks, whose subject is `j:<job>` or `e:<cron>:<execution>` and whose name is what
-- happened; and `alerts`, whose subject is `a:<alert>` and whose name is the channel.
local function notify(team, queue, subject, name)
    local id = next_id(team, 'notice')
    local entry = push(team .. ':' .. queue, 'n:' .. id, READY)
    call('HSET', P .. 'n:' .. team .. ':' .. id, 'v', 1, 'queue', queue, 'state', 'pending', 'attempt', 1,
        'subject', subject, 'name', name, 'due', 0, 'entry', entry, 'intent', new_intent())
end

local function record_of_subject(team, subject)
    local kind, id = string.match(subject, '^(%a):.-(%d+)$')
    return P .. kind .. ':' .. team .. ':' .. id
end
