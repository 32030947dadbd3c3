#!lua repeatable
-- Make jobs, and their queues where those are new:  (nothing) -> pending.
--
-- Given `team`, `settings` of a new queue (JSON), now_ms; and rows: per job `queue` (name), `spec` (JSON), `delay_ms`,
-- `at_ms` (when to start, or ''), `has_callback` (1 or ''), `expires_ms` (when, or ''), `rules` (what its spec leaves in the
-- clear none of: JSON, or ''), `key` (or '').
-- Returns per job: id, queue id, due (ms), 1 if its queue is paused or 2 if that is new; or 0 for one that would expire before it
-- could start and is not made, as is -1, one that would start in over a year. If the rules of a queue are others, nothing is made, and what
-- returns is 'rules', then the name of each such queue and its rules.

moment(given.now_ms)
local answer, refused = making.create(given.team, making.rows(), given.settings)
if not refused then conclude() end
return answer, refused
