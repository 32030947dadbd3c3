"""Every operation of the REST API."""

from services.api.rest import (
    alerts,
    audit,
    bulk,
    crons,
    dead_letters,
    executions,
    invitations,
    jobs,
    limits,
    members,
    notifications,
    queues,
    redaction,
    signing,
    team,
    tokens,
)
from services.api.rest.reports import backfills, coming, hosts, problems, stats

# The busiest first: routes are tried in order.
OPERATIONS = (
    *jobs.OPERATIONS,
    *coming.OPERATIONS,  # `coming` is no id of a cron: its path stands before theirs
    *crons.OPERATIONS,
    *executions.OPERATIONS,
    *backfills.OPERATIONS,
    *bulk.OPERATIONS,
    *queues.OPERATIONS,
    *dead_letters.OPERATIONS,
    *problems.OPERATIONS,
    *alerts.OPERATIONS,
    *notifications.OPERATIONS,
    *limits.OPERATIONS,
    *redaction.OPERATIONS,
    *stats.OPERATIONS,
    *hosts.OPERATIONS,
    *signing.OPERATIONS,
    *team.OPERATIONS,
    *members.OPERATIONS,
    *invitations.OPERATIONS,
    *tokens.OPERATIONS,
    *audit.OPERATIONS,
)
