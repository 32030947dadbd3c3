"""Single faults in the Lua that counts what was done, that moves jobs, and that looks for them."""

from tests.engine.mutants.mutation import rows

# fmt: off
FIGURES = rows(
    ("what is given back was started", "figures.moved", "count(team, queue, 'started', -by)", ""),
    ("starts are not counted", "figures.moved", "count(team, queue, 'started', by)", ""),
    ("what ends unstarted is not counted", "figures.moved", "count(team, queue, WITHOUT_REQUEST[to], by)", ""),
    ("what ran ends twice", "figures.moved", "and (from == 'pending' or to == 'skipped') then", "then"),
    ("a bound is of the bucket above it", "bucket_of", "ms <= bound", "ms < bound"),
    ("queues have no figures of their own", "count", "(of_team[of_queue] or 0) + by", "0"),
    ("a minute is never added up", "figures.add", "if fields == 1 then call('ZADD', P .. 'figures_until', over_at, name) end", ""),
    ("a hash grows without a bound", "figures.add", "fields > MOST_FIELDS and", "false and"),
    ("minutes are lost when they are old", "roll_figures.roll", "if longer and next(sums) then figures.add(team, longer, at, sums) end", ""),
    ("minutes stay when they were added up", "roll_figures.roll", "call('DEL', key)", ""),
    ("a step has no bound", "roll_figures", "if left <= 0 then break end", ""),
    # redaction
    ("!rules of a queue are not asked", "making.kept_from", "if rules and rules ~= job.rules and", "if false and"),
    ("rules of a team are not asked", "rules_of", "or '') .. of_team", "or '')"),
    ("rules of a queue that is new are not asked", "making.queue_named", "if not its.is_active then its.rules = settings_of(team).redact end", "its.rules = its.rules or ''"),
    ("of two queues with other rules one is told", "making.kept_from", "others[#others + 1] = job.queue", "others[2] = job.queue"),
    ("a new queue does not know its team's rules", "begin_queue", "tell_rules(team, id)", ""),
    ("rules that go stay with queues", "tell_rules", "call('HDEL', record, 'redact_of_team')", ""),
    ("the first queues are told alone", "spread_redaction", "#ids == limit and tonumber(ids[#ids]) or 0", "0"),
    ("reconciling tells no rules", "mend_queues.mend", "tell_rules(team, id)", ""),
    ("a worker is not told the team's rules", "claim", "its.redact,", "'',"),
    # labels
    ("alerts of a cron have no labels", "alert_cron", "fields.failing_since or moment(), labels = fields.labels }", "fields.failing_since or moment() }"),
    ("alerts of a queue have no labels", "alert_queue", "labels = fields.labels,", ""),
    ("labels are not copied to an alert", "alert", "if (new.labels or '') ~= '' then", "if false then"),
    ("a cron's labels stay as they were", "save_cron", "'labels', its.labels", "'labels', ''"),
    # read_ends
    ("only the named attempt is waited for", "read_ends.open_of", "last_attempt_of(team, id) or id", "id"),
    ("what runs has ended", "read_ends.open_of", "if state == 'pending' or state == 'processing' then", "if state == 'pending' then"),
    ("what is of a deleted owner is open", "read_ends.open_of", "or call('EXISTS', owner) == 0 then", "then"),
    # move_job
    ("what is moved stays in its stream", "move_job", "unqueue(JOB, team, queue, last, fields.lane, fields.entry)", ""),
    ("what is moved waits for nothing", "move_job", "wait_until(JOB, team, last, at)", ""),
    ("only the named attempt is moved", "move_job.last", "local last = last_attempt_of(team, id)", "local last = id"),
    ("what runs is moved", "move_job", "if fields.state ~= 'pending' then return 'begun', REFUSED end", ""),
    ("what expires is moved", "move_job", "if fields.expires and tonumber(fields.expires) <= math.max(at, vouched()) then return 'late', REFUSED end", ""),
    # look_at_jobs, look_at_crons
    ("a text beyond ASCII is passed over", "looks.may_be", "or not is_ascii(spec)", ""),
    ("a character by its number is passed over", "looks.may_be", r"or string.find(spec, '\\u', 1, true)", ""),
    ("a name with a quote is passed over", "looks.may_be", r"and not string.find(head, '\\', 1, true)", ""),
    ("a name beyond ASCII is passed over", "looks.may_be", "and is_ascii(head) then", "then"),
    ("names are looked at in their case", "looks.may_be", "string.lower(head_of(spec))", "head_of(spec)"),
    ("what cannot be found is read", "looks.may_be", "return false", "return true"),
    ("what has no letter is looked for in all that is not ASCII", "looks.may_be", "string.find(text, '%a') and", ""),
    ("the last row of a step is looked at again", "looks.below", "'(' .. from", "from"),
    ("lists are walked through the oldest first", "looks.below", "heads[n] > heads[found]", "heads[n] < heads[found]"),
    ("of a list so many ids are walked through", "looks.below", "if place == AT_ONCE then", "if false then"),
    ("there is always more", "looks.below", "return ids, n ~= nil", "return ids, true"),
    ("a step goes on where texts are long", "looks.texts", "if read > MOST_READ then return first - 1 end", ""),
    ("short texts that are read together are read whole", "looks.texts", "beginning_of(text, most, mark)", "text"),
    ("what a retry has of the first job does not count", "look_at_jobs.look_at", "spec and #spec or 0", "0"),
    ("runs do not count", "look_at_jobs.look_at", "run and #run or 0", "0"),
    ("a step that ended early was the last one", "look_at_jobs", "(are_more or looked < #ids)", "are_more"),
    ("a search does not read the fields of a job", "look_at_jobs", "if given.with_fields then", "if false then"),
    ("a search by id walks through lists", "look_at_crons", "if given.count then", "if true then"),
)
# fmt: on
