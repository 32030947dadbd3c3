-- Figures: what a team and each of its queues did, how long it waited and took, counted by the minute.
--
-- One hash a team and period, first of a minute, which `roll_figures.lua` adds up. Its fields are those of the team, and behind
-- `<queue>:` those of a queue, or of `crons`. A number behind a name is a bucket of durations. What is added up is packed: `packed.lua`.

local figures = {}

do
    -- Upper bounds in ms, from the bucket 1 on; whatever is longer is in one more, and what nobody measured in the bucket 0.
    local BOUNDS = { 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000 }
    local MOST_FIELDS = 2000 -- of one hash: beyond them only the team's own are counted
    local CALM = 60000 -- ms after its end in which a minute is still counted into; then it is packed
    local ENDED_AS = { complete = 'completed', retry = 'retried' } -- by the verdict; any other is `failed`
    local OF_ENDED = { 'completed', 'retried', 'failed', 'waited' }
    local WITHOUT_REQUEST = { completed = 'completed', failed = 'failed', dead_lettered = 'failed', skipped = 'skipped' }
    local counted, ended, last_ended -- what requests of a queue ended by is counted by verdict and bucket, and named at the end

    at_begin(function() counted, ended, last_ended = {}, {}, {} end)

    -- Periods of four lengths: name, length and for how long they are kept (ms); the last is not added up any more. A day has its hours.
    figures.PERIODS = { { 'm', 60000, 3600000 }, { 't', 600000, 172800000 }, { 'h', 3600000, 176400000 }, { 'd', 86400000, 2678400000 } }

    -- The bucket of a whole number of ms, which may be a text; '' or nothing where nobody measured.
    local function bucket_of(ms)
        if not ms or ms == '' then return 0 end
        ms = ms + 0 -- `tonumber` converts a text twice
        local bucket = 1
        while bucket <= #BOUNDS and ms > BOUNDS[bucket] do bucket = bucket + 1 end
        return bucket
    end

    local function count(team, queue, figure, by)
        local of_team = counted[team]
        if not of_team then
            of_team = {}
            counted[team] = of_team
        end
        local of_queue = queue .. ':' .. figure
        of_team[figure], of_team[of_queue] = (of_team[figure] or 0) + by, (of_team[of_queue] or 0) + by
    end

    local function add_to(buckets, bucket)
        buckets[bucket] = (buckets[bucket] or 0) + 1
    end

    -- So many works of a queue, or of `crons`, go from one state to another; nil is "not there".
    function figures.moved(team, queue, from, to, by)
        if to == 'processing' then
            count(team, queue, 'started', by)
        elseif from == 'processing' and (to == 'pending' or not to) then
            count(team, queue, 'started', -by) -- given back, or deleted meanwhile
        elseif WITHOUT_REQUEST[to] and (from == 'pending' or to == 'skipped') then
            count(team, queue, WITHOUT_REQUEST[to], by)
        end
    end

    -- A request ended by its verdict, after so many ms of waiting and so many of its own.
    function figures.ended(team, queue, verdict, waited, took)
        if last_ended.team ~= team or last_ended.queue ~= queue then
            last_ended = { team = team, queue = queue, completed = {}, retried = {}, failed = {}, waited = {} }
            ended[#ended + 1] = last_ended
        end
        add_to(last_ended[ENDED_AS[verdict] or 'failed'], bucket_of(took))
        if waited and waited ~= '' then add_to(last_ended.waited, bucket_of(waited)) end
    end

    local function count_ended()
        for _, its in ipairs(ended) do
            for _, figure in ipairs(OF_ENDED) do
                for bucket, by in pairs(its[figure]) do count(its.team, its.queue, figure .. bucket, by) end
            end
        end
        ended, last_ended = {}, {}
    end

    function figures.fired(team, late)
        count(team, 'crons', 'late' .. bucket_of(late), 1)
    end

    -- The name of the period in which a moment lies, and when it is added up, or deleted.
    function figures.period(team, period, at)
        local begins = math.floor(at / period[2]) * period[2]
        return string.format('%s:%s%.0f', team, period[1], begins), begins + period[2] + period[3]
    end

    -- Add figures to those of the present minute; those of queues only while there is room for them.
    function figures.add(team, rows)
        local minute = figures.PERIODS[1]
        local name, over_at = figures.period(team, minute, vouched())
        local key = P .. 'figures:' .. name
        for figure, by in pairs(rows) do
            if by ~= 0 and call('HINCRBY', key, figure, by) == by then -- it may be new
                local fields = call('HLEN', key)
                if fields == 1 then call('ZADD', P .. 'figures_until', over_at - minute[3] + CALM, name) end
                if fields > MOST_FIELDS and string.find(figure, ':', 1, true) then call('HDEL', key, figure) end
            end
        end
    end

    function figures.post()
        count_ended()
        for team, rows in pairs(counted) do confined(team, '', figures.add, team, rows) end
        counted = {}
    end
end
