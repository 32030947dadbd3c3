"""Who made a thing, and searches of what was made."""

from tests.engine.mutants.mutation import rows

# fmt: off
MAKERS = rows(  # what it breaks, where it lies, what is found there, what that becomes
    # who made it
    ("a job does not say who made it", "make_job", "if given.maker then note('by', given.maker) end", ""),
    ("a queue that a job is the first of does not say who made it", "making.made_queue", "if given.maker then call('HSET', P .. 'q:' .. team .. ':' .. its.id, 'by', given.maker) end", ""),
    ("a queue does not say who made it", "save_queue", "if given.maker then call('HSET', P .. 'q:' .. team .. ':' .. id, 'by', given.maker) end", ""),
    ("a cron does not say who made it", "save_cron", "if given.maker then call('HSET', P .. 'c:' .. team .. ':' .. id, 'by', given.maker) end", ""),
    ("a retry was made by nobody", "job_row", "if origin then add_makers(fields, team, origin) end", ""),
    ("a search finds no retry by who made it", "look_at_jobs.look_at", "makers_of(origin or id)", "makers_of(id)"),
    ("a search does not read who made a job", "look_at_jobs.look_at", "given.with_makers and makers_of(origin or id) or false", "false"),
    ("the name of a damaged token is read", "name_makers.is_there", "== 'hash'", "~= 'none'"),
    # list_executions
    ("a search does not read what it looks at", "list_executions", "if given.searched then", "if false then"),
    ("a search reads executions whatever their run has", "list_executions.see", "if not may_be_run or", "if true or"),
    ("a search forgets how far it came", "list_executions", "while may_be_run and n > 0", "while false and n > 0"),
    ("a search does not read that one was skipped", "list_executions", "'skip_reason',", ""),
    ("a search does not read which backfill made one", "list_executions", "'backfill',", ""),
)
# fmt: on
