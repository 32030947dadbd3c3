"""Single faults in the Lua of backfills and of the lists of executions, each of which some test must notice."""

from tests.engine.mutants.mutation import rows

# fmt: off
BACKFILLS = rows(
    # lib/crons/backfills
    ("a backfilled execution stands by its moment", "backfills.placed", "backfill and created or due or ''", "due or ''"),
    ("a search by halves goes astray", "backfills.rank", "if placed < at then", "if placed > at then"),
    ("what its schedule completed is made again", "SURVEYED", "'pending', 'processing', 'completed'", "'pending', 'processing'"),
    ("what still waits is made again", "SURVEYED", "'pending', 'processing', 'completed'", "'processing', 'completed'"),
    ("what failed is left out", "backfills.has_run", "read and (state == 'completed' or state == 'pending' or state == 'processing')", "read"),
    ("what is beyond one call is not looked at", "backfills.survey", "if #ids == left then return found, number .. ':' .. ids[#ids] end", ""),
    ("it is made before all was looked at", "step_backfill.step", "its.seen ~= 'all' and not backfills.look_back(team, id, its) then", "not backfills.look_back(team, id, its) and false then"),
    ("what runs is looked at in parts", "backfills.look_back", "if place == '' and count_open(team, its.cron) >= MOST then return false end", ""),
    ("what was seen outlives its backfill", "close", ", P .. 'backfill_seen:' .. team .. ':' .. id)", ")"),
    ("an execution is not said to be of a backfill", "backfills.make", "call('HSET', record_of(EXECUTION, team, execution), 'backfill', id)", ""),
    ("what was made is not found by its moment", "backfills.make", "call('ZADD', P .. 'x:' .. team .. ':c' .. cron .. ':backfilled', at, execution)", ""),
    ("what was made is not waited for", "backfills.make", "call('SADD', P .. 'backfill_open:' .. team .. ':' .. id, execution)", ""),
    ("a backfill that is over occupies its cron", "close", "call('HDEL', cron, 'backfill')", ""),
    ("moments outlive their backfill", "close", "P .. 'backfill_moments:' .. team .. ':' .. id,", ""),
    ("what it made is not counted after a cancel", "close", "call('EXISTS', P .. 'backfill_open:' .. team .. ':' .. id) == 0", "true"),
    # start_backfill
    ("a cron that changed is backfilled by what it was", "start_backfill", "if its.version ~= given.version then return { -2 }, REFUSED end", ""),
    ("two of a cron run", "start_backfill", "state_of(its.backfill) == 'running' then", "false then"),
    ("any number of a team run", "start_backfill", "running >= tonumber(given.most_running)", "false"),
    ("old ones are kept", "start_backfill", "backfills.forget(team, ended[i])", ""),
    ("one of nothing goes on for ever", "start_backfill", "given.total == '0'", "false"),
    # step_backfill
    ("a moment that ran is made all the same", "step_backfill.make", "not backfills.has_run(team, id, at)", "true"),
    ("fires of the schedule are met", "step_backfill.room_beside", "if not may_meet and", "if false and"),
    ("where fires may meet it waits", "step_backfill.room_beside", "if not may_meet and", "if"),
    ("more run at a time than are wanted", "step_backfill.room_beside", "return its.parallelism - open", "return its.parallelism + 0"),
    ("memory is taken that is short", "step_backfill.room_beside", "if memory.leaves_out_fires() then return 0 end", ""),
    ("a pause is made up for", "step_backfill.filled", "math.min(math.max(1, rate), its.tokens + math.max(0, now - its.at) * rate / 1000)", "its.tokens + math.max(0, now - its.at) * rate / 1000"),
    ("a rate is used up once", "step_backfill.step", "tostring(tokens - made)", "tostring(tokens)"),
    ("a moment is made at each step", "step_backfill.step", "call('HINCRBY', record, 'looked', looked)", ""),
    ("what ended is not counted", "step_backfill.count_ended", "call('HINCRBY', record, 'completed', completed)", ""),
    ("what failed is not counted", "step_backfill.count_ended", "call('HINCRBY', record, 'failed', failed)", ""),
    ("what ended is counted at each step", "step_backfill.count_ended", "call_in_parts(over, 'SREM', P .. 'backfill_open:' .. team .. ':' .. id)", ""),
    ("it is over while an execution runs", "step_backfill.step", "left = left - looked + open + made", "left = left - looked"),
    ("without its moments it goes on for ever", "step_backfill.step", "or (left > 0 and call('EXISTS', listed) == 0)", ""),
    ("one that is over is stepped for ever", "step_backfill.step", "call('SREM', P .. 'backfills', team .. ':' .. id)", ""),
    # what others do with what backfills made
    ("a backfill says how its schedule does", "settle_execution", "if not fields.backfill then", "if true then"),
    ("a backfill's failure is a problem of its schedule", "settle_execution", "state == 'failed' and not fields.backfill", "state == 'failed'"),
    ("a fire is left out for a backfill", "fire_cron", "(policy.overlap == 'queue_one' or policy.backfill)", "policy.overlap == 'queue_one'"),
    ("what a backfill made was late", "by_moment", "and not backfill then", "then"),
    ("a list names what went", "remove_execution", "call('ZREM', P .. 'x:' .. team .. ':c' .. cron .. ':backfilled', id)", ""),
    ("what a backfill made is too old at once", "retire.moment_of", "return backfills.placed(team, id)", "return tonumber(call('HGET', record_of(EXECUTION, team, id), 'due') or '')"),
    ("a deleted cron is backfilled", "delete_cron", "if backfill then backfills.cancel(team, backfill) end", ""),
    ("backfills outlive their cron", "prune.prune_cron", "backfills.forget(team, id)", "break"),
    ("a deleted cron takes all backfills along", "prune.prune_cron", "== cron then backfills.forget", "~= '' then backfills.forget"),
    ("one that is not listed is not stepped", "relist_backfills.check", "is_stepped and call('SADD', P .. 'backfills', team .. ':' .. id) == 1", "false"),
    ("a cron does not know its backfill", "relist_backfills.check", "call('HSET', of_cron, 'backfill', id)", ""),
    ("a row without a backfill stays", "relist_backfills.check", "backfills.forget(team, id)", ""),
    ("a broken backfill stays in the way", "blame", "found = found + #put_all_aside(KEYS_OF[kind], team .. ':' .. id)", ""),
)

LISTS = rows(
    # lib/records/moves
    ("an execution is in no list", "list_new", "call_in_parts(listed, 'ZADD', list)", ""),
    ("what is skipped at once is not listed as that", "list_new", "call_in_parts(listed, 'ZADD', list .. ':skipped')", ""),
    ("what is late is not listed as that", "list_new", "call_in_parts(late, 'ZADD', list .. ':late')", ""),
    ("all are late", "by_moment", "moment() - due > LATE", "true"),
    ("what failed is not listed as that", "list_ended", "call_in_parts(listed, 'ZADD', list .. ':' .. its.to)", ""),
    ("what did not run was late", "list_ended", "call_in_parts(its.ids, 'ZREM', list .. ':late')", ""),
    ("what completed is listed as an end", "list_executions", "its.to == 'failed' or its.to == 'skipped'", "its.to"),
    ("what is gone is listed", "list_executions", "call_in_parts(its.ids, 'ZREM', list .. of)", ""),
    # list_executions
    ("a page begins at the newest of all", "list_executions", "later + offset, later + offset + count - 1", "offset, offset + count - 1"),
    ("a page goes on beyond its range", "list_executions", "math.min(tonumber(given.count), total - offset)", "tonumber(given.count)"),
    ("one without a cron is shown", "list_executions.read", "or not name", ""),
    # list_of_cron
    ("what is too early is listed", "list_of_cron.look", "due >= from and due <= to", "due <= to"),
    ("what is too late is listed", "list_of_cron.look", "due >= from and due <= to", "due >= from"),
    ("it looks at all before a range", "list_of_cron.look", "if earlier > DISPLACED then return end", ""),
    ("it is not said where a look ended", "list_of_cron.look", "ended = math.max(ended, due)", ""),
    ("what is before the end of a look is listed", "list_of_cron", "if one[2] >= ended then", "if true then"),
    ("a list of a cron is in no order", "list_of_cron", "a[2] > b[2] or", "a[2] < b[2] or"),
    ("what backfills made is not listed", "list_of_cron", "look_at_backfilled(states) table.sort", "table.sort"),
    ("what backfills made is listed in any state", "list_of_cron.look_at_backfilled", "if states[state] then", "if true then"),
    # read_coming
    ("all active crons are looked at at once", "read_coming", "#ids == most and tonumber(ids[#ids]) or 0", "0"),
    ("crons come again", "read_coming", "'(' .. given.after", "'-inf'"),
    ("one that is lost comes", "read_coming", "if expression then", "expression = expression or '' if true then"),
    # relist_executions
    ("a lost row stays lost", "relist_executions.put_right", "call('ZADD', list, wanted, id)", ""),
    ("a wrong row stays", "relist_executions.put_right", "call('ZREM', list, id)", ""),
    ("what is right is mended", "relist_executions.put_right", "== wanted then return true end", "== nil then return true end"),
    ("what failed is not relisted", "relist_executions.wanted_of", "fields.state == 'failed' or", ""),
    ("what was skipped is relisted as late", "relist_executions.wanted_of", "and fields.state ~= 'skipped' and", "and"),
    ("what a backfill made is relisted as late", "relist_executions.wanted_of", "and not fields.backfill then", "then"),
    ("a row of backfills without an execution stays", "relist_executions.check", "call('ZREM', P .. 'x:' .. team .. ':' .. given.index, id)", ""),
    # correct and memory
    ("a run by hand of a wrong clock keeps its moment", "run_cron", "if now == moment() then note_doubt(EXECUTION, team, execution) end", ""),
    ("a run by hand stands at the moment of a fire", "run_cron", "now % 1000 == 0 and now - 1 or now", "now"),
    ("a moment that was vouched for is corrected", "run_cron", "if now == moment() then", "if true then"),
    ("a corrected moment stands where it was", "correct.list_along", "call('ZINCRBY', list, by, id)", ""),
    ("fires that are one record stand where the first was", "memory.skip", "call('ZADD', P .. 'x:' .. team .. ':executions' .. of, 'XX', fire.at_ms, last)", ""),
)
# fmt: on
