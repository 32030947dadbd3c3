"""The application: Starlette, with only those layers around a request that do something here."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.envelope import STATUS
from services.api.errors import Handler


class Application(Starlette):
    """Without the layer for what fails, which the envelope answers, and with a thinner one for errors.

    Each layer is passed by the request and by both parts of its answer.
    """

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = Worded(self.router, self.exception_handlers)
        for made, args, kwargs in reversed(self.user_middleware):
            app = made(app, *args, **kwargs)
        return app


class Worded:
    """Answers errors that have a handler, by the class that is nearest to theirs."""

    def __init__(self, app: ASGIApp, handlers: dict[type[Exception], Handler]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            handle = next(
                (self._handlers[each] for each in type(error).__mro__ if each in self._handlers), None
            )
            # At the start nobody asked yet; and what fails within an answer, the envelope cuts off.
            if handle is None or scope.get(STATUS) != 0:
                raise
            response = await handle(Request(scope, receive, send), error)
            error.__traceback__ = None  # one instance may be raised for many, and would remember them all
        else:
            return
        await response(scope, receive, send)
