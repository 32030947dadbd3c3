-- A cron that fails and fails is paused by the call that records its last failure, if its owner wants that.

local pause_failing

do
    local MOST_CHANGES, MOST_LINES = 100, 100000 -- of its schedule and of the audit trail of its team, as `save_cron` and `write_trail` keep them
    local WHO = '{"operation":"update-cron","actor":"recuro","reason":"pause_after_failures is %d"}'

    -- It fires no more, from its first fire on that was not made.
    local function log_pause(member, fields)
        local from = math.min(moment(), (tonumber(fields.next or '') or math.huge) - 1)
        local how = string.format('[false,%s,%s,%d,%s]', cjson.encode(fields.expression or ''), cjson.encode(fields.timezone or ''),
            tonumber(fields.offset or '') or 0, cjson.encode(fields.timing or ''))
        call('RPUSH', P .. 'log:' .. member, string.format('%.0f ', from) .. how)
        call('LTRIM', P .. 'log:' .. member, -MOST_CHANGES, -1)
    end

    -- Pause a cron that fires, after so many failures in a row.
    function pause_failing(team, cron, failures, wanted)
        local member, index = team .. ':' .. cron, P .. 'x:' .. team .. ':crons:'
        local record = P .. 'c:' .. member
        log_pause(member, fields_of(record, 'next', 'expression', 'timezone', 'offset', 'timing'))
        call('HSET', record, 'is_active', 0, 'paused_after', failures)
        call('HINCRBY', record, 'version', 1)
        call('HDEL', record, 'next')
        call('ZREM', P .. 'crons', member)
        call('ZREM', index .. 'active', cron)
        call('ZADD', index .. 'paused', cron, cron)
        call('XADD', P .. 'audit:' .. team, 'MAXLEN', '~', MOST_LINES, '*', 'at', moment(), 'who', string.format(WHO, wanted),
            'about', 'cron:' .. cron, 'changes', '{"is_active":[true,false]}')
        tell_clock(member)
    end
end
