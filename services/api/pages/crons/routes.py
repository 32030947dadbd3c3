"""The routes of all pages of crons; words before ids."""

from services.api.pages.crons import acts, calendar, fire, form, listing, one

routes = [
    *listing.routes,
    *calendar.routes,
    *form.routes,
    *one.routes,
    *acts.routes,
    *fire.routes,
]
