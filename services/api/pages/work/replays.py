"""Replays: how far one is, whether it works, and how it is stopped."""

from typing import NamedTuple

from starlette.responses import Response

from services.api.pages.endpoint import page, to
from services.api.pages.forms import Form
from services.api.pages.lists import page_of
from services.api.pages.shell import Question, confirm_page, team_page
from services.api.pages.visits import Visit
from services.api.pages.work import around
from services.api.pages.work.dead_letters import GOING, replay_path
from services.api.pages.work.words import plural, span
from shared.actions import dead_letters
from shared.schemas.base import PageQuery
from shared.schemas.dead_letters import Replay
from shared.security.sessions import Signed

PATH = "/t/{team}/replays"
ONE = f"{PATH}/{{replay}}"


class Progress(NamedTuple):
    """Parts of a bar, each from where to where in percent, and what they say."""

    parts: list[tuple[str, float, float]]
    sentence: str
    is_going: bool


def progress(replay: Replay) -> Progress:
    total = replay.total or 1
    open_ones = max(0, replay.replayed - replay.completed - replay.failed)
    parts, start = list[tuple[str, float, float]](), 0.0
    for mark, count in (("m-ok", replay.completed), ("m-bad", replay.failed), ("m-runl", open_ones)):
        width = 100 * count / total
        if count:
            parts.append((mark, start, width))
        start += width
    return Progress(parts, _sentence(replay), replay.state in GOING)


def _sentence(replay: Replay) -> str:
    said = f"{replay.replayed:,} of {plural(replay.total, 'job')}, {replay.rate:,} a second"
    left = replay.total - replay.replayed - replay.skipped
    if replay.state in GOING and left > 0:
        said += f", {span(max(1, left / replay.rate))} to go"
    return said


async def index(visit: Visit) -> Response:
    signed = await visit.in_team()
    call = visit.call(signed, "list-replays")
    found = await dead_letters.replays(call.redis, call.team, PageQuery(page=page_of(visit)))
    return await team_page(
        visit, signed, "letters/replays.html", section="dead", base=around.base_of(signed), found=found
    )


async def show(visit: Visit) -> Response:
    signed = await visit.in_team()
    replay = await _replay(visit, signed)
    base = around.base_of(signed)
    return await team_page(
        visit,
        signed,
        "letters/replay.html",
        section="dead",
        base=base,
        replay=replay,
        progress=progress(replay),
    )


async def ask_stop(visit: Visit) -> Response:
    signed = await visit.in_team()
    replay = await _replay(visit, signed)
    question = Question(
        f"Stop replay {replay.id}?",
        "Nothing more is handed out. Jobs that it made go on; what is left stays a dead letter.",
        "Stop the replay",
    )
    return await confirm_page(visit, signed, question, section="dead", back=replay_path(signed, replay))


async def stop(visit: Visit, form: Form) -> Response:
    signed = await visit.in_team()
    call = visit.call(signed, "cancel-replay", form.once)
    return to(replay_path(signed, await dead_letters.cancel_replay(call, visit.id("replay", "Replay"))))


async def _replay(visit: Visit, signed: Signed) -> Replay:
    call = visit.call(signed, "get-replay")
    return await dead_letters.get_replay(call.redis, call.team, visit.id("replay", "Replay"))


routes = [
    page(PATH, index),
    page(ONE, show),
    page(f"{ONE}/stop", ask_stop, stop),
]
