#!lua flags=allow-oom
-- Claim up to n pieces of work for one worker, over the teams and their queues in turn:  pending -> processing.
--
-- Then up to `spare` more, one each of queues that have nothing in flight: a quiet queue does not wait for slow jobs. Where
-- teams have many of the worker's places, `kept` of the spare ones are for the others, and these may have more than one.
--
-- Given the consumer, `places` (n), `spare`, `kept`, now_ms; and the teams that have many of the worker's places.
-- Returns now (ms), the next due moment (ms, 0 = none), then per queue served: team:queue, settings (JSON, '' for a
-- hidden one), name (or ''), '1' if what goes well in it is counted (or ''), then per work: kind, team, queue, id, lane,
-- entry, attempt, origin (or the cron, or the subject of a notice), due (ms), the spec (JSON, or what a notice is
-- about), since when it waits for its host (ms, '' = it is not), its intent, the name of its cron (or ''); at last per
-- team served: team, its signing secrets (sealed, '' without), what is not kept of its requests (JSON, or ''), hosts it
-- leaves alone and until when, and hosts that say they are busy and until when.

local MOST_ROUNDS = 200
local QUIET_LOOK = 8 -- teams, and queues of each, that a look for quiet queues takes in
local consumer, now = given.consumer, moment(given.now_ms)
local places, spare, kept = tonumber(given.places), tonumber(given.spare or 0), tonumber(given.kept or 0)
local rounds, is_over, crowd = 0, false, {}
local claim = { consumer = consumer, works = {}, queues = {}, teams = {} }
for _, team in ipairs(given_list()) do crowd[team] = true end

local function serve_in_turn()
    local left = places
    claim.is_shared = true
    while left > 0 and rounds < MOST_ROUNDS do
        rounds = rounds + 1
        local found, is_none = next_turns(1, 1)
        local turn = found[1]
        if is_none then
            is_over = true
            return
        end
        if turn then
            left = left - try_turn(claim, turn, left)
        end
    end
end

-- How many of the spare places a queue may have.
local function spare_for(turn, in_flight)
    if next(crowd) and not crowd[turn.team] then return spare end
    if in_flight > 0 then return 0 end
    return math.min(1, crowd[turn.team] and spare - kept or spare)
end

local function load_in(queue)
    return allowance(queue, limits_of(queue))
end

local function serve_quiet()
    claim.is_shared = false
    for _, turn in ipairs(next_turns(QUIET_LOOK, QUIET_LOOK)) do
        local read, _, in_flight = confined(turn.team, turn.queue, load_in, turn.queue)
        local want = read and spare_for(turn, in_flight) or 0
        if want > 0 then spare = spare - try_turn(claim, turn, want) end
    end
end

if call('EXISTS', P .. 'stopped:' .. consumer) == 1 then return { now, 0, {}, {}, {} } end -- a late one: nobody reads this
local next_due = promote(now, 500)
refresh_touched()
confined('', '', serve_in_turn)
if spare > 0 then confined('', '', serve_quiet) end
conclude()
if places > 0 and not is_over and (#claim.works > 0 or rounds == MOST_ROUNDS) then confined('', '', ring_on) end
local of_teams = {}
for team in pairs(claim.teams) do
    local its = settings_of(team)
    of_teams[#of_teams + 1] = { team, its.signing, its.redact, rests_of(team) }
end
return { now, next_due, claim.queues, claim.works, of_teams }
