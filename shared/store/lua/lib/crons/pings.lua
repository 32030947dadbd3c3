-- Pings: a cron that sends no requests waits at each fire for one to come.

local EARLY = 10000 -- ms before its time that a ping still counts for a fire: clocks differ
local said_as, pinged_run, await_ping, miss_ping

do
    local SILENT = '{"failure_reason":"no_ping","error_message":"No ping came within %.0f s."}'
    local UNFINISHED = '{"failure_reason":"no_ping","error_message":"It started, and no ping came within %.0f s of that."}'

    -- What was said with a ping, as a field of JSON: written, never read.
    function said_as(field, said)
        return '"' .. field .. '":' .. cjson.encode(said)
    end

    -- The run (JSON) of a ping that came at a moment (ms), of work that started (ms or nothing), with what was said of it
    -- and why it failed (JSON, or nothing).
    function pinged_run(at, started, said, failure)
        local run = string.format('{"executed_at":%.0f', at)
        if started then run = run .. string.format(',"started_at":%.0f,"duration_ms":%.0f', started, at - started) end
        if said ~= '' then run = run .. ',' .. said_as('response_body', said) end
        return run .. (failure and ',' .. string.sub(failure, 2) or '}')
    end

    -- Wait for a ping until the grace is over; one that has come already will do.
    function await_ping(team, cron, fire, grace, last_ping)
        local id = next_execution(team)
        local record = record_execution(team, cron, fire, id, 'pending', '')
        local at, of_cron = tonumber(fire.at_ms), P .. 'c:' .. team .. ':' .. cron
        local kept = last_ping > 0 and fields_of(of_cron, 'pinged_for', 'logged') or {}
        if last_ping >= at - EARLY or tonumber(kept.pinged_for or '') == at then
            call('HDEL', of_cron, 'pinged_for', 'logged')
            local said = kept.logged or ''
            return settle(EXECUTION, team, 'crons', id,
                { verdict = 'complete', run = pinged_run(last_ping, nil, said), response = said })
        end
        local deadline = at + grace
        if deadline <= vouched() then deadline = vouched() + grace end -- that it could not be seen in time is our fault
        call('HSET', record, 'awaits', deadline)
        wait_until(EXECUTION, team, id, deadline)
    end

    -- No ping came in time; of a cron that was paused meanwhile none was wanted.
    function miss_ping(team, id)
        local record = record_of(EXECUTION, team, id)
        local fields = fields_of(record, 'cron', 'due', 'awaits', 'started')
        local of_cron = P .. 'c:' .. team .. ':' .. fields.cron
        if call('HGET', of_cron, 'is_active') ~= '1' then
            call('HSET', record, 'state', 'skipped', 'skip_reason', 'paused')
            strips.skip(team, fields.cron, id, 'paused')
            event('cron.skipped', team, 'e:' .. id)
            return move(EXECUTION, team, fields.cron, id, 'pending', 'skipped')
        end
        local last_ping = tonumber(call('HGET', of_cron, 'last_ping') or 0)
        if last_ping >= fields.due - EARLY then -- one ping ends all that wait, in steps: this one was left
            return settle(EXECUTION, team, 'crons', id, { verdict = 'complete', run = pinged_run(last_ping, nil, '') })
        end
        local why = fields.started and string.format(UNFINISHED, (fields.awaits - fields.started) / 1000) or
            string.format(SILENT, (fields.awaits - fields.due) / 1000)
        local said = call('HGET', of_cron, 'logged') or ''
        call('HDEL', of_cron, 'ping_started', 'logged')
        local run = said == '' and why or '{' .. said_as('response_body', said) .. ',' .. string.sub(why, 2)
        settle(EXECUTION, team, 'crons', id, { verdict = 'fail', run = run, reason = 'no_ping', facts = why, response = said })
    end
end
