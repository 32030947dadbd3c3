"""The routes of all pages of crons; words before ids."""

from services.api.pages.crons import acts, fire, form, listing, one

routes = [*listing.routes, *form.routes, *one.routes, *acts.routes, *fire.routes]
