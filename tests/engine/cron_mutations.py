"""Single faults in the Lua of crons, each of which some test must notice."""

from tests.engine.mutation import rows

# fmt: off
CRONS = [
    *rows(
        "lib/executions",
        ("executions are not counted as accepted", "tally(team, 'execution.accepted', 1)", ""),
        ("missed fires are not said", "        fire.missed, 'intent'", "        0, 'intent'"),
        ("an execution has no intent", ", 'intent', new_intent(), ...)", ", ...)"),
        ("a skipped fire says not why", ", 'skip_reason', reason)", ")"),
        ("one that waits for another starts beside it", "if count_open(team, cron) > 1 then return end", ""),
        ("one that waits in line is forgotten", "call('HSET', P .. 'c:' .. team .. ':' .. cron, 'queued', id)", ""),
        ("one that waited in line waits on", "call('HDEL', P .. 'c:' .. team .. ':' .. cron, 'queued')", ""),
        ("what was made in this script is not open", "    write_moves()\n", ""),
        ("all made in one script share an id", "    ids.left = ids.left - 1\n", ""),
        ("it is not said since when fires were missed", "if tonumber(fire.missed) > 0 then", "if false then"),
    ),
    *rows(
        "lib/fires",
        ("a ping that came before counts for nothing", "if last_ping >= at - EARLY then", "if false then"),
        ("no ping is awaited", "wait_until('e', team, id, deadline)", ""),
        ("an outage of ours is held against the pinger", "if deadline <= vouched() then deadline = vouched() + grace end", ""),
        ("runs beyond the most are made", "policy.runs >= policy.most then", "false then"),
        ("fires meet each other", "count_open(team, cron) > 0 then", "false then"),
        ("two wait in line", "policy.overlap == 'queue_one' and not queued then", "policy.overlap == 'queue_one' then"),
        ("a paused heartbeat alerts", "'is_active') ~= '1' then", "'is_active') == '2' then"),
        ("runs are not counted", "'runs', policy.runs }", "'runs', 0 }"),
        ("lateness is forgotten", "tonumber(fields[FIRST_LATE + bucket - 1] or 0) + count", "count"),
        ("it is not known up to when a cron has fired", "{ 'fired_until', fired_until, ", "{ "),
        ("a moment that was made is fresh", "return fire > last or", "return true or"),
        ("a moment is fresh in which its cron fired", "return fire > last or", "return fire >= last or"),
        ("a clock that was wrong forbids what comes", "last > moment() + ASTRAY", "false"),
        ("lateness is not counted", "    policy.late[bucket] = (policy.late[bucket] or 0) + 1\n", ""),
    ),
    *rows(
        "ping_cron",
        ("any secret will do", " or fields[1] ~= ARGV[3] then", " then"),
        ("a ping ends nothing", "if call('HEXISTS', record_of('e', team, id), 'awaits') == 1 then", "if false then"),
        ("an ended fire still waits", "call('ZREM', P .. 'due', due_member('e', team, id))", ""),
        ("a late ping does not recover", "if ended == 0 and", "if false and"),
        ("a ping is not noted", "if result.verdict == 'complete' then call('HSET', record, 'last_ping', vouched()) end", ""),
    ),
    *rows(
        "patrol_crons",
        ("a lost cron stays lost", "call('ZADD', P .. 'crons', next_fire, member)", ""),
    ),
    *rows(
        "read_plans",
        ("the watchdog goes by a present nobody vouches for", "math.min(moment(ARGV[1]), vouched())", "moment(ARGV[1])"),
    ),
    *rows(
        "reckon_due",
        ("what was made in time is moved too", "if created and created > now + SLACK then", "if created then"),
        ("a job that a wrong clock made waits for hours", "call('ZADD', due, now + at - created, member)", ""),
    ),
    *rows(
        "find_executions",
        ("what one record stands for is not found", "tonumber(span[1] or span[2]) <= to", "tonumber(span[2]) <= to"),
        ("the search goes the wrong way", "< from then low = middle + 1 else high = middle end", "< from then high = middle else low = middle + 1 end"),
    ),
    *rows(
        "fire_crons",
        ("a cron fires once a scheduler", "if tonumber(score or '') ~= due then return nil, 0 end", ""),
        ("a changed cron fires as it was", "if fields[1] ~= ARGV[at + 2] then return nil, 0 end", ""),
        ("a cron with no runs left fires on", "at + WIDTH) or following == ''", "at + WIDTH) and following == ''"),
        ("an ended cron stays in the list", "call('ZREM', crons, member)", ""),
        ("the next fire is not moved on", "call_in_parts(moved, 'ZADD', crons)", ""),
        ("a cron fires early", "if due > now then return nil, -1 end", ""),
    ),
    *rows(
        "renew_crons",
        ("a changed cron is reckoned anew as it was", "fields[1] == ARGV[i + 2] and ", ""),
        ("a cron that fired is reckoned anew", " == known_next", " ~= nil"),
        ("a cron that is due is reckoned anew", "known_next > moment() and ", ""),
        ("a fire that was made is reckoned anew", " and is_fresh(next_fire - (fields[2] or 0) * 1000, fields[3])", ""),
    ),
    *rows(
        "settle_cron",
        ("a part is made of a cron that changed", "stands[1] ~= ARGV[4] or ", ""),
        ("a part is made twice", "stands[2] ~= ARGV[5] or ", ""),
        ("a part is made early", " or tonumber(stands[2]) > now", ""),
        ("a part is made again", "    call('ZADD', P .. 'crons', following, member)\n", ""),
        ("an ended cron owes on", "    call('HDEL', record, 'next')\n", ""),
    ),
    *rows(
        "save_cron",
        ("a change of schedule is not remembered", "    call('RPUSH', P .. 'log:' .. member, now .. ' ' .. ARGV[20])\n", ""),
        ("a change erases what was due", "    fire_all(team, id, policy, tonumber(ARGV[25]), FIRES)\n", ""),
        ("a fire between read and change is made again", "    if (stands[2] or '') ~= known_next then return false end\n", ""),
        ("what fell due since the read is erased", "    if not_due ~= '' and tonumber(not_due) <= now then return false end\n", ""),
        ("a next fire may have passed", "(tonumber(next_fire) > now and ", "("),
        ("a next fire may have been made", " and is_fresh(next_fire - offset, stands[3])", ""),
        ("a cron fires on that has used up its runs", "    if most and policy.runs >= most then next_fire = '' end\n", ""),
        ("a change draws another key", "call('HSETNX', record, 'ping', ARGV[19])", "call('HSET', record, 'ping', ARGV[19])"),
    ),
]
# fmt: on
