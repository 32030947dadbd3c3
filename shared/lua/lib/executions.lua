-- Executions: one fire of a cron, made once and queued in the team's hidden cron queue.

local function make_execution(team, cron, scheduled, missed, now)
    local id = call('HINCRBY', P .. 'ids:' .. team, 'execution', 1)
    local entry = push(team .. ':crons', 'e:' .. id, READY)
    call('HSET', record_of('e', team, id), 'v', 1, 'cron', cron, 'state', 'pending', 'due', scheduled,
        'created', now, 'missed', missed, 'entry', entry)
    move('e', team, cron, id, nil, 'pending')
    tally(team, 'execution.accepted', 1)
    event('cron.fired', team, 'e:' .. id)
    return id
end
