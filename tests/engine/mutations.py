"""Single faults in the Lua, each of which some test must notice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """`old`, found exactly once in the file below `shared/lua`, becomes `new`; `breaks` says what that does."""

    file: str
    old: str
    new: str
    breaks: str
    is_quick: bool = False
    """One of the few that a bounded run takes."""


def _rows(file: str, *rows: tuple[str, str, str]) -> list[Mutation]:
    """A `breaks` that starts with `!` is quick."""
    return [
        Mutation(f"{file}.lua", old, new, breaks.lstrip("!"), breaks.startswith("!"))
        for breaks, old, new in rows
    ]


# fmt: off
MUTATIONS = [
    *_rows(
        "lib/turns",
        ("!the fence lets any consumer in", " or pending[1][2] ~= consumer", ""),
        ("the fence of a batch lets any consumer in", "'-', '+', most, consumer)", "'-', '+', most)"),
        ("!one more in flight than allowed", "most - in_flight)", "most - in_flight + 1)"),
        ("!one start more than the rate", "call('ZCARD', starts) - count", "call('ZCARD', starts) - count - 1"),
        ("the rate limit is ignored", "if count and allowed > 0 then", "if false then"),
        ("half a period is a window", "'-inf', now - period)", "'-inf', now - period / 2)"),
        ("starts from before a clock set back count", "call('ZREMRANGEBYSCORE', starts, now + period, '+inf')", ""),
        ("a limited queue never comes back", "wait_until('q', team, id, tonumber(oldest[2]) + period)", ""),
        ("a limited queue looks at the wrong start", "starts, over, over,", "starts, 0, 0,"),
        ("starts are not noted", "call_in_parts(rows, 'ZADD', starts)", ""),
        ("starts of a batch share a name", "rows[#rows + 1] = number", "rows[#rows + 1] = last"),
        ("!a pause is ignored", "if settings[1] ~= '1' then", "if false then"),
        ("who returns has saved up", "tonumber(times[1] or 0), tonumber(times[2] or 0)", "0, tonumber(times[2] or 0)"),
        ("who leaves and returns forgets what it got", "tonumber(times[1] or 0), tonumber(times[2] or 0)", "tonumber(times[1] or 0)"),
        ("ids are not padded", "%s:%s:%014d", "%s:%s:%d"),
        ("the clock is not told of an earlier moment", "== 0 then tell_clock(member) end", "== 0 then end"),
        ("a lost group starts at the end", "'workers', '0')", "'workers', '$')"),
        ("callbacks take all places", "OUTBOX_PARALLELISM = 4", "OUTBOX_PARALLELISM = 400"),
        ("one callback more than allowed", "OUTBOX_PARALLELISM - in_flight)", "OUTBOX_PARALLELISM - in_flight + 1)"),
        ("!nobody is woken for new work", "if call('ZCARD', P .. 'turns') == 1 then ring() end", ""),
        ("a team stays without queues", "call('ZREM', P .. 'turns', team)", ""),
        ("a queue without allowance keeps its turn", "        leave_turns(team, queue)\n    elseif", "    elseif"),
        ("a quiet queue stays in flight", "call('SREM', P .. 'in_flight', queue)", ""),
        ("what ended frees no place", "entry)\n    touched[queue] = true", "entry)"),
        ("what came makes no turn", "    touched[queue] = true\n    return call('XADD'", "    return call('XADD'"),
    ),
    *_rows(
        "lib/changes",
        ("!ended entries are not acknowledged", "call_in_parts(entries, 'XACK', stream, 'workers')", ""),
        ("!ended entries are not deleted", "call_in_parts(entries, 'XDEL', stream)", ""),
        ("rows stay in the old index", "call_in_parts(gone, 'ZREM', index)", ""),
        ("a part of many loses its last", "first + MOST - 1", "first + MOST - 2"),
        ("notices are told as events", "if string.byte(ref) == NOTICE then return end", ""),
        ("what happened to one is told of another", "if last_told.name ~= name or last_told.team ~= team then", "if not last_told.name then"),
    ),
    *_rows(
        "lib/records",
        ("!the ledger only grows", "is_in and #move.ids or -#move.ids)", "#move.ids)"),
        ("deletions are not counted", "tally(team, 'job.deleted', 1)", ""),
        ("the old state keeps its row and count", "if move.from then place(move, move.from, false) end", ""),
        ("the team's index is forgotten", "if move.kind == 'j' then indexes[2] = whole .. state end", ""),
        ("moves of one are taken for moves of another", "if last.from ~= from or last.to ~= to or last.owner ~= owner or", "if last.from ~= from or last.to ~= to or"),
        ("moves are written out of order", "if before.from == to or before.to == from then", "if false then"),
        ("dead letters have a column of their own", "dead_lettered = 'failed' }", "}"),
        ("a deleted job's run stays", "P .. 'r:' .. team .. ':j' .. id, ", ""),
        ("a deleted job's spec stays", ", P .. 'b:' .. team .. ':' .. id)", ")"),
        ("what waits in due stays there", "call('ZREM', P .. 'due', due_member(kind, team, id))", ""),
        ("what waits in a stream stays there", "call('XDEL', P .. (lane or READY) .. team .. ':' .. queue, entry)", ""),
        ("a deleted job still expires", "if fields[5] then forget_expiry(team, id) end", ""),
        ("only the original of a chain is deleted", "        remove_job(team, retry)\n", ""),
        ("a deleted execution's run stays", ", P .. 'r:' .. team .. ':e' .. id)", ")"),
    ),
    *_rows(
        "lib/verdicts",
        ("retries are not counted as accepted", "tally(team, 'job.accepted', 1)", ""),
        ("!a retry is the same attempt again", "'attempt', attempt + 1,", "'attempt', attempt,"),
        ("a retry does not know its original", "'origin', origin,\n", "\n"),
        ("a retry of a retry has it as its original", "origin or id, tonumber", "id, tonumber"),
        ("earlier retries are forgotten", "(given[1] or '') .. retry", "retry"),
        ("a retry has no callback", "if given[2] then call('HSET', record, 'callback', 'none') end", ""),
        ("a retry does not expire", "wait_until('x', team, retry, given[3])", ""),
        ("a retry never comes due", "wait_until('j', team, retry, due)", ""),
        ("a chain's success is lost", "resolve_chain(team, queue, origin, 'failed', 'success')", ""),
        ("a chain's death is lost", "resolve_chain(team, queue, origin, 'dead_lettered', 'dead_lettered')", ""),
        ("a chain's end is lost", "resolve_chain(team, queue, origin, 'failed', 'failed_no_retries')", ""),
        ("a dead chain has no moment", "if state == 'dead_lettered' then call('HSET', record, 'dead_at', moment()) end", ""),
        ("a dead letter has no moment", "'state', state, 'dead_at', moment())", "'state', state)"),
        ("a chain waits for a retry for ever", "call('HDEL', record, 'pending_retry')", ""),
        ("a failed retry is a dead letter of its own", "if origin and verdict ~= 'complete' then", "if false then"),
        ("what ended still expires", "if fields[5] then forget_expiry(team, id) end", ""),
        ("a retried job is told of", "if verdict ~= 'retry' and fields[4] then", "if fields[4] then"),
        ("nobody is told of an end", "if verdict ~= 'retry' and fields[4] then", "if false then"),
        ("ends make no events", "event(HAPPENED[verdict], team, 'j:' .. id)", ""),
        ("the run is not kept", "call('SET', P .. 'r:' .. team .. ':' .. kind .. id, result.run)", ""),
        ("a cancelled job that comes back is tried", "'cancel', 'expires')\n    if fields[3] then return settle(", "'cancel', 'expires')\n    if false then return settle("),
        ("a cancelled job that is postponed is tried again", "'held_since')\n    if fields[3] then return settle(", "'held_since')\n    if false then return settle("),
        ("what is postponed never comes back", "wait_until(kind, team, id, due)\n    move(", "move("),
        ("what is postponed does not expire", "if fields[4] then wait_until('x', team, id, fields[4]) end\n    call('HDEL', record, 'lane')", "call('HDEL', record, 'lane')"),
        ("what is given back uses an attempt", "local entry = push(team .. ':' .. queue, kind", "call('HINCRBY', record, 'attempt', 1)\n    local entry = push(team .. ':' .. queue, kind"),
        ("what is given back goes last", "kind .. ':' .. id, FRONT)", "kind .. ':' .. id, READY)"),
        ("nobody is told of an execution", "if callback[1] == '1' then", "if false then"),
    ),
    *_rows(
        "lib/verdicts",
        ("a callback that was made stays", "call('DEL', notice)", ""),
        ("a callback's retry is the same attempt", "call('HINCRBY', notice, 'attempt', 1)", ""),
        ("a callback's retry never comes due", "wait_until('n', team, id, result.due)", ""),
        ("the job does not say how its callback went", "call('HSET', subject, 'callback', outcome[result.verdict] or 'failed')", ""),
        ("a callback makes a record of what was deleted", "if call('EXISTS', subject) == 1 then", "if true then"),
    ),
    *_rows(
        "lib/promote",
        ("!what was promoted stays due", "call('ZREM', P .. 'due', member)", ""),
        ("an expired job stays in its stream", "unqueue('j', team, fields[2], id, fields[3], fields[4])", ""),
        ("a running job expires", "if fields[1] ~= 'pending' then return end", ""),
        ("a job that had ended is promoted", "if fields[2] == 'pending' then", "if fields[2] then"),
        ("a clock that nobody vouches for is believed", "call('GET', P .. 'trusted_until') or now", "now"),
        ("what is due after a vouched moment starts", "now = math.min(now, trusted)", ""),
        ("a limited queue is not looked at", "touched[team .. ':' .. id] = true", ""),
        ("a full batch says nothing is left", "if #due == limit then return now end", ""),
    ),
    *_rows(
        "lib/executions",
        ("executions are not counted as accepted", "tally(team, 'execution.accepted', 1)", ""),
        ("missed fires are not said", "'missed', missed,", "'missed', 0,"),
    ),
    *_rows(
        "claim",
        ("teams are not charged", "call('ZADD', turns, 'XX', team_at, team)", ""),
        ("queues are not charged", "call('ZADD', P .. 'turns:' .. team, 'XX', queue_at, queue)", ""),
        ("a stopped worker's late claim takes work", "if call('EXISTS', P .. 'stopped:' .. consumer) == 1 then", "if false then"),
        ("weight is ignored", "+ work / weight", "+ work"),
        ("what was served is not remembered", "call('HSET', P .. 'virtual_time', '_',", "call('HSET', P .. 'unread', '_',"),
        ("!work in flight is not watched", "call('SADD', P .. 'in_flight', queue)", ""),
        ("!a spare place goes to a busy queue", "if spare > 0 and in_flight == 0 then", "if spare > 0 then"),
        ("another idle worker is not woken", "ring() -- another", "-- another"),
        ("a claim moves no row", "fields[3] or qid, id, fields[1], 'processing')", "fields[3] or qid, id, fields[1], fields[1])"),
        ("a claim sends what expired", "fields[7] and tonumber(fields[7]) <= now then", "false then"),
        ("an entry that is not the job's starts it", "fields[5] == entry and", ""),
        ("an unreadable entry stays", "'ref', ref)\n    take_off(queue, lane, entry)", "'ref', ref)"),
        ("what only a newer version reads is lost", "wait_until(kind, team, id, now + LATER)", ""),
        ("a newer record is started", "if (tonumber(fields[6]) or 0) >= OLDEST_NEWER then", "if false then"),
        ("a callback of what was deleted stays", "    call('DEL', record_of('n', team, id))\n", ""),
        ("a claim starts without its rate being noted", "if started > 0 and not is_hidden(queue) then", "if false then"),
        ("a claim takes one more", "serve(queue, math.min(want, allowed))", "serve(queue, want)"),
        ("a retry reads its own spec", "(origin or id))", "id)"),
    ),
    *_rows(
        "finish",
        ("any result is taken", "return holds(consumer, queue, lane, entry) ~= nil", "return true"),
        ("a result named twice counts twice", "if done[stream .. entry] then return false end", ""),
        ("a retry is due at once", "now + tonumber(ARGV[i + 8])", "now"),
        ("results of a deleted queue are recorded", "living[record] = call('EXISTS', record) == 1", "living[record] = true"),
        ("results make records of deleted jobs", "if call('EXISTS', record_of(kind, team, id)) == 0 then return false end", ""),
        ("a batch takes any result", "return held[stream][entry] ~= nil", "return true"),
    ),
    *_rows(
        "create_jobs",
        ("!a key is not remembered", "call('SET', P .. 'i:' .. team .. ':' .. key, kept, 'PX', KEPT)", ""),
        ("a key takes another request", "return of == digest and {", "return {"),
        ("a key is kept for ever", ", kept, 'PX', KEPT)", ", kept)"),
        ("a new job passes what was due before it", "promote(now, 500)", ""),
    ),
    *_rows(
        "lib/jobs",
        ("a replay may be asked for twice", "if fields[1] ~= 'dead_lettered' or ", "if "),
        ("a replayed job stays a dead letter", "move('j', team, fields[2], id, 'dead_lettered', 'failed')", ""),
        ("a replay forgets the callback", "callback = fields[3] and '1' or '',", "callback = '',"),
        ("new jobs are not counted", "tally(team, 'job.accepted', 1)", ""),
        ("a job does not expire", "if given.expires ~= '' then wait_until('x', team, id, given.expires) end", ""),
        ("a delay is ignored", "if tonumber(given.due) > moment() then", "if false then"),
        ("a job's callback is forgotten", "if given.callback == '1' then", "if false then"),
    ),
    *_rows(
        "step_replay",
        ("a replay forgets its rate", "+ math.max(0, now - tonumber(fields[3])) * rate / 1000)", "+ rate)"),
        ("a replay saves up over a pause", "math.min(math.max(1, rate), tonumber(fields[4])", "math.min(math.huge, tonumber(fields[4])"),
        ("a bucket is not emptied", "tostring(tokens - replayed - skipped)", "tostring(tokens)"),
    ),
    *_rows(
        "lib/replays",
        ("failures of a replay stop nothing", ">= (tonumber(fields[2]) or math.huge)", ">= math.huge"),
        ("a replay that stopped keeps its jobs", "call('DEL', P .. 'replay_ids:' .. team .. ':' .. id)", ""),
    ),
    *_rows(
        "finish",
        ("what was not sent counts as a request", "(verdict == 'release' or verdict == 'postpone')", "false"),
    ),
    *_rows(
        "purge_jobs",
        ("anything is purged", "'state') == 'dead_lettered' then", "'state') then"),
    ),
    *_rows(
        "lib/alerts",
        ("a cron's failures are not counted", "call('HSET', record, 'failures', failures + 1)", ""),
        ("a cron's failures are not forgiven", "call('HSET', record, 'failures', 0)", ""),
        ("a threshold is one too high", "failures + 1 >= threshold and not fields[3]", "failures >= threshold and not fields[3]"),
        ("who is alerted is told again", "failures + 1 >= threshold and not fields[3]", "failures + 1 >= threshold"),
        ("a recovery comes unasked", "return fields[3] and alert(team, new)", "return alert(team, new)"),
        ("every failure is told", "if now < tonumber(last[2]) then", "if false then"),
        ("an hour is a minute", "QUIET = 3600000", "QUIET = 60000"),
        ("a queue alerts unasked", "if fields[1] ~= '1' then return end", ""),
        ("every retry warns", "or (verdict == 'retry' and attempt > 1) then return end", "then return end"),
        ("a test call is tried again", " and call('HGET', record, 'type') ~= 'test'", ""),
    ),
    *_rows(
        "lib/usage",
        ("a limit is one too high", "if settings.limit and used >= settings.limit", "if settings.limit and used > settings.limit"),
        ("a soft limit is told each time", " and settings.warned ~= month() then", " then"),
        ("what was given back counts", "tally(team, 'requests.' .. month(), -1)", ""),
    ),
    *_rows(
        "rescue",
        ("!a beat does not save a job", "== tonumber(ARGV[i + 4])", "~= nil"),
        ("a fourth worker may be lost", "< patience then", "<= patience then"),
        ("lost workers are not counted", "call('HINCRBY', record, 'lost', 1) <", "1 <"),
        ("a deleted job comes back", "or call('HGET', record, 'state') ~= 'processing'", ""),
        ("a job of a deleted queue comes back", "call('EXISTS', P .. 'q:' .. queue) == 0", "false"),
    ),
    *_rows(
        "beat",
        ("a beat does not count", "beats + 1", "beats"),
        ("a beat hears of no cancel", "== 1 and 2 or 1", "== 1 and 1 or 1"),
    ),
    *_rows(
        "cancel_job",
        ("a cancelled job is not settled", "settle('j', team, fields[1], id, { verdict = 'fail', run = CANCELLED })", ""),
        ("a cancelled job stays in its stream", "    unqueue('j', team, fields[1], id, fields[3], fields[4])\n", ""),
        ("a running job is not marked", "call('HSET', record, 'cancel', 1)", ""),
        ("the workers are not told of a cancel", "call('XADD', P .. 'cancels',", "call('XADD', P .. 'unread',"),
        ("a job of a deleted queue is cancelled", " or call('EXISTS', P .. 'q:' .. team .. ':' .. fields[1]) == 0", ""),
    ),
    *_rows(
        "delete_job",
        ("a job of a deleted queue is found", " or call('EXISTS', P .. 'q:' .. team .. ':' .. queue) == 0", ""),
    ),
    *_rows(
        "delete_queue",
        ("a deleted queue keeps its turn", "leave_turns(team, team .. ':' .. id)", ""),
        ("a deleted queue's jobs are not pruned", "call('SADD', P .. 'doomed', 'q:' .. team .. ':' .. id)", ""),
        ("a deleted queue keeps its name", "call('HDEL', P .. 'names:' .. team, name)", ""),
    ),
    *_rows(
        "save_queue",
        ("two changes lose one", "if known[1] ~= version then return 'stale' end", ""),
        ("a change does not hold at once", "refresh(team .. ':' .. id)", ""),
        ("two queues have one name", "if holder and holder ~= id then return 'taken' end", ""),
    ),
    *_rows(
        "prune",
        ("streams go while requests are out", "then return false end -- the last", "then end -- the last"),
        ("a pruned queue's streams stay", "call('DEL', P .. FRONT .. team .. ':' .. queue,", "call('EXISTS', P .. FRONT .. team .. ':' .. queue,"),
        ("a step has no bound", "limit - removed - 1)) do\n            remove_job", "-1)) do\n            remove_job"),
        ("what was pruned stays doomed", "call('SREM', P .. 'doomed', doomed)", ""),
    ),
    *_rows(
        "in_flight",
        ("a page repeats the last row", "'(' .. ARGV[3]", "ARGV[3]"),
    ),
    *_rows(
        "fire_crons",
        ("a cron fires once a scheduler", "tonumber(score) == due and", ""),
        ("a changed cron fires as it was", "call('HGET', P .. 'c:' .. member, 'version') == version", "true"),
        ("a cron fires early", "if due > now then", "if false then"),
    ),
    *_rows(
        "patrol",
        ("a patrol wakes nothing", "touched[queue] = true", ""),
        ("a patrol starts what is delayed", "if due > now then", "if false then"),
        ("a row without a record stays", "        change_index(index, id, false)\n", ""),
    ),
    *_rows(
        "audit",
        ("a ledger is never set right", "if ARGV[3] == '1' then", "if false then"),
    ),
    *_rows(
        "retire",
        ("young history goes", "at + than < now", "at + than > now"),
        ("an original leaves its chain behind", "return remove_chain(team, id) end", "remove_job(team, id) return 1 end"),
    ),
]
# fmt: on
