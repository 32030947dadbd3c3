"""The routes of all pages."""

from services.api.pages import arriving, files, home, me, second_factor, sign_in, single_sign_on, zones
from services.api.pages.crons import routes as crons
from services.api.pages.settings import members, team, tokens

PAGES = (
    *home.routes,
    *sign_in.routes,
    *single_sign_on.routes,
    *arriving.routes,
    *tokens.routes,
    *members.routes,
    *team.routes,
    *crons.routes,
    *second_factor.routes,
    *me.routes,
    *zones.routes,
    *home.nowhere,
)
ROUTES = (*PAGES, *files.routes)
