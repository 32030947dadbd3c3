"""The routes of all pages."""

from services.api.pages import arriving, choices, files, home, me, second_factor, sign_in, single_sign_on
from services.api.pages.crons import routes as crons
from services.api.pages.live import routes as live
from services.api.pages.overview import routes as overview
from services.api.pages.settings import (
    agents,
    audit,
    channels,
    limits,
    members,
    redaction,
    signing,
    team,
    tokens,
)
from services.api.pages.work import dead_letters, job_acts, jobs, many, new_job, queues, replays

WORK = (
    *jobs.routes,
    *new_job.routes,
    *many.routes,
    *jobs.one,
    *job_acts.routes,
    *queues.routes,
    *dead_letters.routes,
    *replays.routes,
)
SETTINGS = (
    *agents.routes,
    *channels.routes,
    *signing.routes,
    *redaction.routes,
    *limits.routes,
    *audit.routes,
)
PAGES = (
    *home.routes,
    *overview.routes,
    *sign_in.routes,
    *single_sign_on.routes,
    *arriving.routes,
    *tokens.routes,
    *members.routes,
    *team.routes,
    *SETTINGS,
    *crons.routes,
    *second_factor.routes,
    *me.routes,
    *choices.routes,
    *live.routes,
    *WORK,
    *home.nowhere,
)
ROUTES = (*PAGES, *files.routes)
