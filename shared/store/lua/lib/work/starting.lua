-- An entry of a ready stream is handed to a worker:  pending -> processing; or what keeps it from that.
--
-- A `claim` is what one call of `claim.lua` gathers: { consumer, works, queues, teams }; and while a queue is served: its
-- whole name as `queue`, the `team` and its own name as `name` apart, the `lane` that is read.

local start, quarantine, as_seen_now

do
    local ORIGIN = { [JOB] = 'origin', [EXECUTION] = 'cron', [NOTICE] = 'subject' }
    local LATER = 5000 -- ms until what only a newer version can read is offered again
    local SPEC_LOST = '{"failure_reason":"unknown","error_message":"What this job asks for is lost; nothing was sent."}'

    -- A moment as far from the present, by which the worker goes, as it is from the one that is vouched for.
    function as_seen_now(at)
        local ahead = moment() - vouched()
        if ahead == 0 or (tonumber(at) or 0) == 0 then return at end
        return string.format('%.0f', at + ahead)
    end

    function quarantine(queue, lane, entry, ref)
        call('XADD', P .. 'quarantine', 'MAXLEN', '~', 1000, '*', 'queue', queue, 'entry', entry, 'ref', ref)
        take_off(queue, lane, entry)
    end

    -- The spec, and the name of the cron it is of; nothing if that was deleted meanwhile.
    local function spec_of(kind, team, id, origin)
        if kind == JOB then return call('GET', P .. 'b:' .. team .. ':' .. (origin or id)) end
        if kind == EXECUTION then
            local cron = origin and fields_of(P .. 'c:' .. team .. ':' .. origin, 'spec', 'name') or {}
            if cron.spec or not origin or call('EXISTS', P .. 'c:' .. team .. ':' .. origin) == 0 then return cron.spec, cron.name end
            error('what is asked for by cron ' .. origin .. ' is lost', 0)
        end
        if call('EXISTS', record_of_subject(team, origin)) == 1 then
            return call('HGET', record_of(NOTICE, team, id), 'name')
        end
        call('DEL', record_of(NOTICE, team, id))
    end

    -- A record of a newer version is left as it is, and offered again later: a newer worker will know it.
    local function put_back(kind, team, id)
        call('HSET', record_of(kind, team, id), 'entry', '')
        wait_until(kind, team, id, moment() + LATER)
    end

    -- A job that may have expired:  pending -> failed, or back to the due until somebody vouches for the present again.
    local function expire_or_wait(team, id, expires)
        if expires <= vouched() then return expire(team, id) end
        call('HSET', record_of(JOB, team, id), 'entry', '')
        wait_until(JOB, team, id, vouched() + 1)
    end

    -- What it asks for is lost: nothing can be sent, and it must not wait for ever.
    local function bury(team, queue, id)
        settle(JOB, team, queue, id, { verdict = 'dead', run = SPEC_LOST, due = moment(), reason = 'unknown' })
    end

    -- The team's requests of this month are used up:  pending -> failed.
    local function refuse(kind, team, queue, id)
        settle(kind, team, queue, id, { verdict = 'fail', run = USED_UP, reason = 'limit_exceeded' })
    end

    function start(claim, entry, ref)
        local queue, lane, team, name_of_queue = claim.queue, claim.lane, claim.team, claim.name
        local kind, id = string.match(ref, '^([jen]):(%d+)$')
        if not kind then return quarantine(queue, lane, entry, ref) end
        local record = record_of(kind, team, id)
        local state, attempt, origin, due, its_entry, version, expires, held_since, intent = values_of(record, 'state', 'attempt',
            ORIGIN[kind], 'due', 'entry', 'v', 'expires', 'held_since', 'intent')
        if (tonumber(version) or 0) >= OLDEST_NEWER then
            take_off(queue, lane, entry)
            return put_back(kind, team, id)
        end
        if state == 'pending' and expires and tonumber(expires) <= moment() then
            take_off(queue, lane, entry)
            return expire_or_wait(team, id, tonumber(expires))
        end
        -- Delivered again while it is being processed: the group was lost, and with it who had it.
        local startable = its_entry == entry and (state == 'pending' or state == 'processing')
        local spec, name
        if startable then spec, name = spec_of(kind, team, id, origin) end
        if not spec then
            take_off(queue, lane, entry)
            return startable and kind == JOB and bury(team, name_of_queue, id) -- or it was deleted meanwhile
        end
        if kind ~= NOTICE and not count_request(team) then
            take_off(queue, lane, entry)
            return refuse(kind, team, name_of_queue, id)
        end
        call('HSET', record, 'state', 'processing')
        if held_since then call('HDEL', record, 'waits_for') end
        move(kind, team, kind == EXECUTION and origin or name_of_queue, id, state, 'processing')
        event(NOUN[kind] .. '.started', team, ref)
        claim.works[#claim.works + 1] = { kind, team, name_of_queue, id, lane, entry, attempt or '1', origin or '', due, spec,
            held_since and as_seen_now(held_since) or '', intent or '', name or '' }
    end
end
