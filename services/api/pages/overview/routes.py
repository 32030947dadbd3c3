"""The routes of the overview, of alerts and of the system."""

from services.api.pages.overview import alerts, front, system

routes = [*front.routes, *alerts.routes, *system.routes]
