"""Templates into pages, with the headers that every page has."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.api.pages import words
from services.api.pages.crons import marks
from services.api.pages.work import words as work_words
from shared.actions.accounts import saying

HERE = Path(__file__).parent
THEME, AS_SYSTEM = "recuro-theme", "system"
"""The cookie that says whether pages are light or dark, and what it says where nobody chose."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' "
    "data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # Whoever opened a page in a window of its own has no hold on it, and nobody else loads it as a picture.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def rendered(
    template: str, /, status: int = 200, headers: Mapping[str, str] | None = None, **given: object
) -> HTMLResponse:
    """The page that a template makes of what it is given."""
    text = _text(_environment().get_template(template), given)
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


def _text(template: Template, given: Mapping[str, object]) -> str:
    """As `Template.render`, but what was given is free at once.

    The macros of a page know its context, which knows them: all that a page was made of would lie about until
    the garbage collector looks for cycles, and nobody is answered while it does.
    """
    context = template.new_context(dict(given))
    try:
        return template.environment.concat(template.root_render_func(context))
    except Exception:
        template.environment.handle_exception()  # with the lines of the template
    finally:
        context.vars.clear()


def theme_of(request: Request) -> str:
    """What was chosen in this browser."""
    chosen = request.cookies.get(THEME)
    return chosen if chosen in ("light", "dark") else AS_SYSTEM


def themed(request: Request, response: Response) -> Response:
    """The page, light or dark from its first paint on: every page passes here, also that of an error."""
    theme = theme_of(request)
    if theme != AS_SYSTEM and isinstance(response, HTMLResponse):
        found = bytes(response.body)
        response.body = found.replace(b"<html ", f'<html data-theme="{theme}" '.encode(), 1)
        response.headers["content-length"] = str(len(response.body))
    return response


def static(name: str) -> str:
    """The address of a file of ours; another content has another, so that browsers keep each for ever."""
    return f"/static/{name}?v={version_of(name)}"


@cache
def version_of(name: str) -> str:
    return hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=static, is_over=words.is_over, is_soon=words.is_soon)
    made.filters.update(
        ago=words.ago,
        ahead=words.ahead,
        browser=words.browser,
        city=words.city,
        clock=words.clock,
        count=words.count,
        date=words.date,
        day=words.day,
        in_fours=words.in_fours,
        interface=words.interface,
        limits=saying.limits,
        may=words.may,
        moment=words.moment,
        zone=words.zone,
    )
    made.filters.update(work_words.FILTERS, bar=marks.bar)
    return made
