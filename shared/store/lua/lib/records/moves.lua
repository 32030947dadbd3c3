-- Moves between states, gathered over a call and written once: the indexes that list records by state, and the ledger.
--
-- An index holds ids scored by themselves, one sorted set a state, and the states of one owner are disjoint. Notices
-- have none. The executions of all crons of a team are listed by their moments too, and those that failed, were skipped or
-- were made late once more.

local move, write_moves

do
    local LATE = 1000 -- ms after its moment that an execution was made
    local moves, last_move, left, entered

    at_begin(function() moves, last_move, left, entered = {}, {}, {}, {} end)

    local function place(its, state, is_in)
        local whole, own = P .. 'x:' .. its.team .. ':', its.kind == EXECUTION and CRON or QUEUE
        local command, changed = is_in and 'ZADD' or 'ZREM', is_in and its.scored or its.ids
        call_in_parts(changed, command, whole .. own .. its.owner .. ':' .. state)
        if its.kind == JOB then call_in_parts(changed, command, whole .. state) end
        local field = NOUN[its.kind] .. '.' .. (LEDGER_STATE[state] or state)
        tally(its.team, field, is_in and #its.ids or -#its.ids)
    end

    -- Each id after its execution's moment, as an index takes them; and those of them that were made late.
    local function by_moment(its)
        local listed, late = {}, {}
        for _, id in ipairs(its.ids) do
            local due, backfill = values_of(record_of(EXECUTION, its.team, id), 'due', 'backfill')
            if due and tonumber(due) then -- or else it is damaged, and nobody can say when it was
                listed[#listed + 1], listed[#listed + 2] = due, id
                if moment() - due > LATE and not backfill then late[#late + 1], late[#late + 2] = due, id end
            end
        end
        return listed, late
    end

    local function list_new(its, list)
        local listed, late = by_moment(its)
        call_in_parts(listed, 'ZADD', list)
        if its.to == 'skipped' then call_in_parts(listed, 'ZADD', list .. ':skipped') else call_in_parts(late, 'ZADD', list .. ':late') end
    end

    local function list_ended(its, list)
        local listed = by_moment(its)
        call_in_parts(listed, 'ZADD', list .. ':' .. its.to)
        if its.to == 'skipped' then call_in_parts(its.ids, 'ZREM', list .. ':late') end -- what did not run was not late
    end

    local function list_executions(its)
        local list = P .. 'x:' .. its.team .. ':executions'
        if not its.from then return list_new(its, list) end
        if its.to == 'failed' or its.to == 'skipped' then return list_ended(its, list) end
        if its.to then return end
        for _, of in ipairs({ '', ':failed', ':skipped', ':late' }) do call_in_parts(its.ids, 'ZREM', list .. of) end
    end

    local function write_move(its)
        for i, id in ipairs(its.ids) do
            its.scored[2 * i - 1], its.scored[2 * i] = id, id
        end
        figures.moved(its.team, its.kind == EXECUTION and 'crons' or its.owner, its.from, its.to, #its.ids)
        if its.from then place(its, its.from, false) end
        if its.to then place(its, its.to, true) end
        if its.kind == EXECUTION then list_executions(its) end
    end

    function write_moves()
        for _, its in pairs(moves) do
            confined(its.team, its.kind == EXECUTION and 'c:' .. its.owner or its.team .. ':' .. its.owner, write_move, its)
        end
        moves, last_move, left, entered = {}, {}, {}, {}
    end

    -- Two moves of which one begins where the other ends may be of the same record, one after the other: what was
    -- gathered before is written first. All others commute.
    local function begin_move(kind, team, owner, from, to)
        local begins, ends = from or '', to or ''
        if entered[begins] or left[ends] then write_moves() end
        left[begins], entered[ends] = true, true
        return { kind = kind, team = team, owner = owner, from = from, to = to, ids = {}, scored = {} }
    end

    -- Move a record between the indexes and ledger columns of two states; nil is "not there".
    function move(kind, team, owner, id, from, to)
        if kind == NOTICE or from == to then return end
        local last = last_move
        if last.from ~= from or last.to ~= to or last.owner ~= owner or last.kind ~= kind or last.team ~= team then
            local key = kind .. team .. ':' .. owner .. ':' .. (from or '') .. ':' .. (to or '')
            last = moves[key] or begin_move(kind, team, owner, from, to)
            moves[key], last_move = last, last
        end
        last.ids[#last.ids + 1] = id
    end
end
