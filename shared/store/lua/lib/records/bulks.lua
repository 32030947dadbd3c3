-- Changes of many in the background: which ones are left, and what became of the others.
--
-- The next ones go from `bulk_ids` to `bulk_batch`, and each leaves that in the call that changes it: so it is changed once,
-- whoever goes on with them and whoever died meanwhile.

local bulks = {}

do
    local KEPT = 7 * 86400000 -- ms, once it has ended
    local MOST_REFUSALS = 100

    local function close(team, id)
        call('DEL', P .. 'bulk_ids:' .. team .. ':' .. id, P .. 'bulk_batch:' .. team .. ':' .. id)
        call('SREM', P .. 'bulks', team .. ':' .. id)
        fade(P .. 'bulk:' .. team .. ':' .. id, KEPT)
        fade(P .. 'bulk_refusals:' .. team .. ':' .. id, KEPT)
    end

    -- Nothing more is changed:  running -> cancelled.
    function bulks.cancel(team, id, reason)
        call('HSET', P .. 'bulk:' .. team .. ':' .. id, 'state', 'cancelled', 'reason', reason, 'ended', moment())
        close(team, id)
    end

    -- How many of it are left by its counts.
    function bulks.left(team, id)
        local its = fields_of(P .. 'bulk:' .. team .. ':' .. id, 'matched', 'done', 'unchanged', 'missing', 'refused')
        return its.matched - its.done - its.unchanged - its.missing - its.refused
    end

    -- Nobody can take any more of it:  running -> completed; or cancelled, if some of them were lost.
    function bulks.complete(team, id)
        if bulks.left(team, id) > 0 then return bulks.cancel(team, id, 'lost') end
        call('HSET', P .. 'bulk:' .. team .. ':' .. id, 'state', 'completed', 'ended', moment())
        close(team, id)
    end

    -- Whether the one that a call changes is still to be changed.
    function bulks.awaits(team, id, item)
        return call('LPOS', P .. 'bulk_batch:' .. team .. ':' .. id, item) ~= false
    end

    -- It was changed, in this call.
    function bulks.note_done(team, id, item)
        call('LREM', P .. 'bulk_batch:' .. team .. ':' .. id, 1, item)
        call('HINCRBY', P .. 'bulk:' .. team .. ':' .. id, 'done', 1)
    end

    -- It needs no change, or cannot have it; whether nobody had noted it before.
    function bulks.note_other(team, id, item, refusal)
        if call('LREM', P .. 'bulk_batch:' .. team .. ':' .. id, 1, item) == 0 then return false end
        local refusals = P .. 'bulk_refusals:' .. team .. ':' .. id
        if refusal and call('LLEN', refusals) < MOST_REFUSALS then call('RPUSH', refusals, item .. ' ' .. refusal) end
        return true
    end

    function bulks.forget(team, id)
        call('DEL', P .. 'bulk:' .. team .. ':' .. id, P .. 'bulk_ids:' .. team .. ':' .. id,
            P .. 'bulk_batch:' .. team .. ':' .. id, P .. 'bulk_refusals:' .. team .. ':' .. id)
        call('ZREM', P .. 'x:' .. team .. ':bulks', id)
        call('SREM', P .. 'bulks', team .. ':' .. id)
    end

    -- id, its fields, and ids with why they were refused; nothing if it is not there.
    function bulks.row(team, id)
        local fields = call('HGETALL', P .. 'bulk:' .. team .. ':' .. id)
        if #fields == 0 then return nil end
        return { id, fields, call('LRANGE', P .. 'bulk_refusals:' .. team .. ':' .. id, 0, -1) }
    end
end
