"""Single faults in the Lua of crons, each of which some test must notice."""

from tests.engine.mutants.mutation import rows

# fmt: off
CRONS = rows(
    # executions
    ("executions are not counted as accepted", "record_execution", "tally(team, 'execution.accepted', 1)", ""),
    ("missed fires are not said", "record_execution", "fire.missed, 'intent'", "0, 'intent'"),
    ("an execution has no intent", "record_execution", "'intent', new_intent(),", ""),
    ("a skipped fire says not why", "skip_execution", ", 'skip_reason', reason)", ")"),
    ("one that waits for another starts beside it", "start_queued", "if count_open(team, cron) > 1 then return end", ""),
    ("one that waits in line is forgotten", "queue_execution", "call('HSET', P .. 'c:' .. team .. ':' .. cron, 'queued', id)", ""),
    ("one that waited in line waits on", "start_queued", "call('HDEL', P .. 'c:' .. team .. ':' .. cron, 'queued')", ""),
    ("what was made in this script is not open", "count_open", "write_moves()", ""),
    ("all made in one script share an id", "next_execution", "ids.left = ids.left - 1", ""),
    ("it is not said since when fires were missed", "record_execution", "if tonumber(fire.missed) > 0 then", "if false then"),
    # zones
    ("a scheduler with newer rules is waited for in vain", "newest_zones", "<= SPOKEN", "< 1e18"),
    # fires
    ("a ping that came before counts for nothing", "await_ping", "if last_ping >= at - EARLY or", "if"),
    ("a ping within the grace before its time is missed", "await_ping", "or tonumber(kept.pinged_for or '') == at then", "then"),
    ("what a ping left behind is missed", "miss_ping", "if last_ping >= fields.due - EARLY then", "if false then"),
    ("work that started is told as silent", "miss_ping", "local why = fields.started and", "local why = false and"),
    ("a note is lost with a missed ping", "miss_ping", "local said = call('HGET', of_cron, 'logged') or ''", "local said = ''"),
    ("no ping is awaited", "await_ping", "wait_until(EXECUTION, team, id, deadline)", ""),
    ("an outage of ours is held against the pinger", "await_ping", "if deadline <= vouched() then deadline = vouched() + grace end", ""),
    ("runs beyond the most are made", "fire_cron", "policy.runs >= policy.most then", "false then"),
    ("fires meet each other", "fire_cron", "count_open(team, cron) > 0 then", "false then"),
    ("two wait in line", "fire_cron", "or policy.backfill) and not queued then", "or policy.backfill) then"),
    ("a paused heartbeat alerts", "miss_ping", "'is_active') ~= '1' then", "'is_active') == '2' then"),
    ("runs are not counted", "note_fires", "'runs', policy.runs }", "'runs', 0 }"),
    ("lateness is forgotten", "note_fires", "tonumber(fields[field] or 0) + count", "count"),
    ("it is not known up to when a cron has fired", "note_fires", "{ 'fired_until', fired_until,", "{"),
    ("a moment that was made is fresh", "is_fresh", "return fire > last or", "return true or"),
    ("a moment is fresh in which its cron fired", "is_fresh", "return fire > last or", "return fire >= last or"),
    ("a clock that was wrong forbids what comes", "is_fresh", "last > moment() + ASTRAY", "false"),
    ("lateness is not counted", "note_lateness", "policy.late[bucket] = (policy.late[bucket] or 0) + 1", ""),
    # ping_cron
    ("any secret will do", "ping_cron", "or fields.ping ~= given.secret then", "then"),
    ("a ping ends nothing", "ping_cron", "if call('HEXISTS', record_of(EXECUTION, team, id), 'awaits') == 1 then", "if false then"),
    ("a ping ends as many fires as a script looks at", "ping_cron.go_on_after", "#ids == MOST and tonumber(ids[MOST]) or 0", "0"),
    ("what a call leaves counts as out of turn", "ping_cron.finish", "or after ~= '0' then return", "then return"),
    ("any ping counts for the next fire", "ping_cron.out_of_turn", "due > 0 and vouched() >= from and due or 0", "due"),
    ("a second ping after a fire counts for the next", "ping_cron.coming", "if last then return", "if false then return"),
    ("a start is not waited for", "ping_cron.wait_on", "call('HSET', execution, 'awaits', deadline, 'started', now)", ""),
    ("a start shortens the wait", "ping_cron.wait_on", "if deadline > tonumber(call('HGET', execution, 'awaits')) then", "if true then"),
    ("a duration is told of another run", "ping_cron.finish", "call('HDEL', record, 'ping_started', 'logged')", ""),
    ("a forgotten start counts", "ping_cron.finish", "(now - started > LONGEST or started > now)", "started > now"),
    ("a note is forgotten when it ends", "ping_cron.finish", "if said == '' then said = fields.logged or '' end", ""),
    ("an ended fire still waits", "ping_cron.finish", "call('ZREM', P .. 'due', due_member(EXECUTION, team, id))", ""),
    ("a late ping does not recover", "ping_cron.out_of_turn", "or fields.failures ~= '0' then", "then"),
    ("a ping is not noted", "ping_cron.finish", "if kind == 'complete' then call('HSET', record, 'last_ping', vouched()) end", ""),
    # patrol_crons
    ("a lost cron stays lost", "patrol_crons", "call('ZADD', P .. 'crons', next_fire, member)", ""),
    # read_plans
    ("the watchdog goes by a present nobody vouches for", "read_plans.most", "math.min(moment(given.now_ms), vouched())", "moment(given.now_ms)"),
    # reschedule_doubtful
    ("what was made in time is moved too", "reschedule_doubtful.reschedule", "if from <= now + SLACK or fields.awaits then return end", "if fields.awaits then return end"),
    ("a job that a wrong clock made waits for hours", "reschedule_doubtful.reschedule", "call('ZADD', due, at + now - from, member)", ""),
    ("what a wrong clock put off waits for hours", "reschedule_doubtful.reschedule", "math.max(created, tonumber(fields.postponed or '') or 0)", "created"),
    ("what awaits a ping is moved too", "reschedule_doubtful.reschedule", "or fields.awaits then return end", "then return end"),
    ("an execution is of another fire", "reschedule_doubtful.reschedule", "if string.sub(member, 1, 1) == JOB and created", "if created"),
    # find_executions
    ("what one record stands for is not found", "find_executions", "tonumber(span.first or span.due) <= to", "tonumber(span.due) <= to"),
    ("the search goes the wrong way", "find_executions", "backfills.rank(team, index, from) - DISPLACED", "backfills.rank(team, index, to + 1)"),
    # fire_crons
    ("a cron fires once a scheduler", "fire_crons.read", "if tonumber(score) ~= due and tonumber(fields.next or '') ~= due then return nil, 0 end", ""),
    ("a cron that was set aside never fires", "fire_crons.read", "and tonumber(fields.next or '') ~= due", ""),
    ("a changed cron fires as it was", "fire_crons.read", "if fields.version ~= its.version then return nil, 0 end", ""),
    ("a cron with no runs left fires on", "fire_crons.fire", "its.fires) or following == ''", "its.fires) and following == ''"),
    ("an ended cron stays in the list", "fire_crons.fire", "call('ZREM', crons, member)", ""),
    ("the next fire is not moved on", "fire_crons", "call_in_parts(moved, 'ZADD', crons)", ""),
    ("a cron fires early", "fire_crons.read", "if due > now then return nil, -1 end", ""),
    ("older rules compute the next fire", "fire_crons.read", "if not score or outdated then", "if not score then"),
    # announce_zones
    ("an older release takes the place of a newer one", "announce_zones", "if release >= newest then", "if true then"),
    # due_crons
    ("what was missed aside is forgotten", "due_crons.read", "if not at or at > tonumber(score) then at = score end", "at = score"),
    # set_crons_aside
    ("a changed cron is set aside", "set_crons_aside", "if call('HGET', P .. 'c:' .. member, 'version') == its.version then", "if true then"),
    ("a cron that went comes back", "set_crons_aside", "'XX',", ""),
    # renew_crons
    ("an older release moves fires back", "renew_crons", "if given.release and given.release < newest_zones() then return 0 end", ""),
    ("a changed cron is rescheduled as it was", "renew_crons.renew", "fields.version == its.version and", ""),
    ("a cron that fired is rescheduled", "renew_crons.renew", "== known_next", "~= nil"),
    ("a cron that is due is rescheduled", "renew_crons.renew", "known_next > now and", ""),
    ("a fire that was made is rescheduled", "renew_crons.renew", "and is_fresh(next_fire - (fields.offset or 0) * 1000, fields.fired_until)", ""),
    # settle_cron
    ("a part is made of a cron that changed", "settle_cron", "stands.version ~= given.version or", ""),
    ("a part is made twice", "settle_cron", "stands.next ~= given.known_next or", ""),
    ("a part is made early", "settle_cron", "or tonumber(stands.next) > now", ""),
    ("a part is made again", "settle_cron", "call('ZADD', P .. 'crons', following, member)", ""),
    ("an ended cron owes on", "settle_cron", "call('HDEL', record, 'next')", ""),
    # save_cron
    ("a change of schedule is not remembered", "save_cron", "call('RPUSH', P .. 'log:' .. member, now .. ' ' .. given.change)", ""),
    ("a change erases what was due", "save_cron", "fire_all(team, id, policy, next_fires())", ""),
    ("a fire between read and change is made again", "save_cron.is_in_time", "if stands.next ~= given.known_next then return false end", ""),
    ("what fell due since the read is erased", "save_cron.is_in_time", "if not_due and tonumber(not_due) <= now then return false end", ""),
    ("a next fire may have passed", "save_cron.is_in_time", "(tonumber(next_fire) > now and", "("),
    ("a next fire may have been made", "save_cron.is_in_time", "and is_fresh(next_fire - offset, stands.fired_until)", ""),
    ("a cron fires on that has used up its runs", "save_cron", "if most and policy.runs >= most then next_fire = nil end", ""),
    ("a key makes a second cron", "save_cron", "if known then return { known }, REFUSED end", ""),
    ("keys that were lost make second crons", "save_cron.cron_of_key", "call('HSETNX', keys, its_key, one)", ""),
    ("a key is not kept", "save_cron", "call('HSET', keys, given.key, id)", ""),
    ("a key outlives its cron", "delete_cron", "call('HDEL', keys, key)", ""),
    ("a lost cron frees the key of another", "delete_cron", "key and call('HGET', keys, key) == id", "key"),
    ("a key finds a cron that was lost", "find_cron", "and call('EXISTS', P .. 'c:' .. given.team .. ':' .. known) == 1 then", "then"),
    ("a change draws another key", "save_cron", "call('HSETNX', record, 'ping', given.secret)", "call('HSET', record, 'ping', given.secret)"),
)
# fmt: on
