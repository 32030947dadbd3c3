"""The routes of what moves: streams, the jump box and the keys."""

from services.api.pages.live import jump, keys, stream

routes = [*stream.routes, *jump.routes, *keys.routes]
