"""What pages of a team's settings share: their address, and the version of the settings that one showed."""

from typing import Any

from starlette.responses import Response

from services.api.pages.forms import Form
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from shared.operations import Call, Versions
from shared.security.sessions import Signed

VERSION = "version"
"""The field with the version that the page showed: a change is of that one alone."""
CHANGED = (
    "Somebody else changed settings of the team since you opened this page. They stand here as they are now, "
    "with what you typed: save again to put it in their place."
)


async def settings_page(
    visit: Visit, signed: Signed, section: str, template: str, /, status: int = 200, **given: Any
) -> Response:
    return await team_page(
        visit, signed, template, status, section=section, path=path_of(signed, section), **given
    )


def path_of(signed: Signed, section: str) -> str:
    assert signed.team
    return f"/t/{signed.team.id}/settings/{section}"


def seen(form: Form) -> Versions:
    """Those that may be changed."""
    return Versions(frozenset((form.get(VERSION),)))


def version_of(call: Call) -> str:
    """Of the settings that a call showed."""
    return call.versions.answered or ""
