-- What kinds of records and keys there are, by the letters that begin their keys; `j:5` refers to a record of a team.

local JOB, EXECUTION, NOTICE, QUEUE, CRON, ALERT = 'j', 'e', 'n', 'q', 'c', 'a'
local SPEC, RUN, INDEX = 'b', 'r', 'x' -- what is kept apart from the record that it belongs to
local EXPIRY = 'x' -- in `due`: a job that may no longer start from then on
local RING = 'r' -- the field of the one entry of the bell
local NOUN = { [JOB] = 'job', [EXECUTION] = 'execution', [NOTICE] = 'notice' }
