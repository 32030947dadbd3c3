"""Mutations of the replays of dead letters, and of what they change."""

from tests.engine.mutants.mutation import rows

# fmt: off
REPLAYS = rows(
    # step_replay
    ("a replay forgets its rate", "step_replay.tokens", "+ math.max(0, now - tonumber(fields.at)) * rate / 1000)", "+ rate)"),
    ("a replay saves up over a pause", "step_replay.tokens", "math.min(math.max(1, rate), tonumber(fields.tokens)", "math.min(math.huge, tonumber(fields.tokens)"),
    ("a replay passes what was due before it", "step_replay", "promote(moment(), 500)", ""),
    ("a replay collects for ever", "step_replay", "if now - tonumber(fields.at) > COLLECTING_MS then", "if false then"),
    ("a replay does not wait with its jobs", "step_replay", "(tonumber(fields.stop_after) or math.huge) then allowed = 0 end", "math.huge then allowed = 0 end"),
    ("a bucket is not emptied", "step_replay", "tostring(tokens - replayed - skipped)", "tostring(tokens)"),
    # collect_replay
    ("who collects for long is given up", "collect_replay", "'at', vouched(), 'collected'", "'collected'"),
    ("two that collect add the same twice", "collect_replay", "~= given.after then", "== '-' then"),
    # replays
    ("failures of a replay stop nothing", "count_replayed", ">= (tonumber(fields.stop_after) or math.huge)", ">= math.huge"),
    ("a replay that stopped keeps its jobs", "end_replay", "call('DEL', P .. 'replay_ids:' .. team .. ':' .. id,", "call('DEL',"),
    ("a replay that stopped keeps its change", "end_replay", ", P .. 'replay_change:' .. team .. ':' .. id)", ")"),
    ("a trial that went well leads nowhere", "count_replayed", "if fields.state == 'trying' and went_well then", "if false then"),
    ("a trial that failed stops nothing", "count_replayed", "end_replay(team, id, 'stopped', 'first_failed')", ""),
    # a trial
    ("nothing is sent first", "collect_replay", "fields.first and 'trying' or 'running'", "'running'"),
    ("a trial sends several", "step_replay", "if is_trying then allowed = 1 end", ""),
    ("a trial is forgotten", "step_replay.hand_out", "if is_trying then call('HSET', record, 'first_job', new) end", ""),
    ("a trial that is gone is awaited", "step_replay", "if state ~= 'pending' and state ~= 'processing' then end_replay(", "if false then end_replay("),
    ("a trial of the only one is not awaited", "step_replay", "if remaining == 0 and not is_tried then", "if remaining == 0 then"),
    ("a trial cannot be cancelled", "cancel_replay", "or state == 'trying' or", "or"),
    # an expected count
    ("any count is as expected", "collect_replay", "tonumber(fields.expected) ~= total then", "false then"),
    ("a chain counts twice", "collect_replay.counted", "if is_dead and not is_known then", "if is_dead then"),
    ("what is no dead letter counts", "collect_replay.counted", "if is_dead and not", "if not"),
    ("a chain counts in two batches", "collect_replay.counted", "seen[first] or given.may_repeat and call('LPOS', listed, first)", "seen[first]"),
    # a change
    ("what is changed is sent as it was", "replay_job", "spec = change and change.spec or spec,", "spec = spec,"),
    ("another intent has the old name", "replay_job", "not (change and change.is_new == '1') and", ""),
    ("rows are about any dead letter", "step_replay.still_next", "if not row or row.id ~= job then", "if not row then"),
    ("rows are made of anything", "step_replay.still_next", "redis.sha1hex(spec) ~= row.was", "false"),
    ("rows are made by rules of before", "step_replay.still_next", "if rules[queue] ~= row.rules then break end", ""),
    ("at once rules of before hold", "replay_jobs.has_other_rules", "rules_of(team, queue) ~= change.rules", "false"),
    ("rules of the team are not known", "rules_of", "its.redact or '', its.redact_of_team or ''", "its.redact or '', ''"),
    ("what is changed knows no rate", "step_replay.still_next", "allowed > 0 and call('LRANGE', ids, 0, allowed - 1) or {}", "call('LRANGE', ids, 0, allowed - 1)"),
    ("what cannot be changed is sent", "step_replay.hand_out", "(not change or change.spec ~= '') and", ""),
    ("at once anything is changed", "replay_jobs.is_other", "redis.sha1hex(spec) ~= change.was", "false"),
)
# fmt: on
