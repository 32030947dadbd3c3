"""Single faults in what limits keys and serves them in turn."""

from tests.engine.mutants.mutation import rows

# fmt: off
KEYS = rows(
    ("one more of a key than allowed", "keyed.look", "slots >= limit.most", "slots > limit.most"),
    ("a paused key starts", "keyed.look", "may = may and call('SISMEMBER', P .. 'paused_keys:' .. queue, name) == 0", ""),
    ("the rate of a key is ignored", "keyed.look", "if may and limit.count then", "if false then"),
    ("a key that was served stays first", "keyed.look", "not was_served", "true"),
    ("what ended frees no slot", "keyed.free", "confined(team_of(queue), queue, free, queue, entry)", ""),
    ("jobs without a key have no turn among those that have", "keyed.admit", "others = others + 1", "others = unkeyed"),
    ("other limits hold for new jobs alone", "keyed.look_anew", "'keyed', 1, 'look_from', '-'", "'keyed', 1"),
    ("a lost slot stays", "keyed.mend", "then call('ZREM', slots, slot) end", "then end"),
)
# fmt: on
