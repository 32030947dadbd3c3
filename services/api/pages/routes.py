"""The routes of all pages."""

from services.api.pages import arriving, files, home, me, second_factor, sign_in, single_sign_on
from services.api.pages.settings import members, team, tokens

PAGES = (
    *home.routes,
    *sign_in.routes,
    *single_sign_on.routes,
    *arriving.routes,
    *tokens.routes,
    *members.routes,
    *team.routes,
    *second_factor.routes,
    *me.routes,
    *home.nowhere,
)
ROUTES = (*PAGES, *files.routes)
