"""Single faults in the Lua that counts what was done, and that moves jobs."""

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
)
# fmt: on
