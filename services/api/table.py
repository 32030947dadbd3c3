"""Every operation of the REST API."""

from services.api.rest import (
    alerts,
    audit,
    coming,
    crons,
    dead_letters,
    executions,
    hosts,
    invitations,
    jobs,
    limits,
    members,
    notifications,
    problems,
    queues,
    signing,
    stats,
    team,
    tokens,
)

# The busiest first: routes are tried in order.
OPERATIONS = (
    *jobs.OPERATIONS,
    *coming.OPERATIONS,  # `coming` is no id of a cron: its path stands before theirs
    *crons.OPERATIONS,
    *executions.OPERATIONS,
    *queues.OPERATIONS,
    *dead_letters.OPERATIONS,
    *problems.OPERATIONS,
    *alerts.OPERATIONS,
    *notifications.OPERATIONS,
    *limits.OPERATIONS,
    *stats.OPERATIONS,
    *hosts.OPERATIONS,
    *signing.OPERATIONS,
    *team.OPERATIONS,
    *members.OPERATIONS,
    *invitations.OPERATIONS,
    *tokens.OPERATIONS,
    *audit.OPERATIONS,
)
