"""Strangers and users at the sign-in, all at once: hashing passwords neither fills memory nor holds up the others."""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pyotp
from pydantic import SecretStr

from shared.actions.accounts import links, users
from shared.actions.accounts.links import Purpose
from shared.security import second_factor, vault
from shared.security.passwords import Passwords
from shared.settings import Settings
from shared.store.transitions import Setting, accounts
from tests.faults.parts.installation import Options
from tests.faults.parts.probe import probing
from tests.faults.parts.starving import starved
from tests.faults.stage import Scene, Stage, playing
from tests.faults.work.strangers import GROWTH_MEBIBYTES, peak, resident
from tests.mailbox import Mailbox

RIGHT, WRONG, CODES, LETTERS = 100, 100, 100, 100
DEBUGGED = Path(__file__).parents[1] / "debugged"
HELD = "Executing "
"""Of a line in which asyncio's debug mode names what held the loop for 100 ms or more."""
HELD_BY_CHANCE = 20
"""A busy machine may stop a process for as long; a password hashed on the loop would be a line for each of 200."""
HEALTH_SECONDS, PAGE_SECONDS = 4.0, 6.0
"""Of answers in between; in debug mode all takes longer. Behind 200 passwords on the loop they take twice that and more,
and the threads that hash them may hold up the loop while a busy machine has stopped one that has the interpreter."""
PAUSE_SECONDS = 0.05
KEY = 32 * "k"
PASSWORD = "seven otters knit"

Send = Callable[[], Awaitable[int]]
Post = Callable[[str, dict[str, str]], Awaitable[Send]]


async def a_crowd_at_the_sign_in(scene: Scene) -> None:
    """200 sign-ins at once, 100 codes, 100 forgotten passwords: loop, memory and a user's page do not notice."""
    with Mailbox() as mailbox:
        async with playing(scene, Options(services=())) as stage:
            _start(stage, mailbox)
            session, pending = await _people(stage)
            (door,) = stage.installation.of("api")
            before, begun = resident(door), len(_said(stage))  # the start itself may hold the loop
            post = _posting(stage.installation.api_port)
            with (
                probing({stage.installation.api_port: door.pid}, scene.folder / "probe.log") as probes,
                _looking(stage, session, door.pid) as looks,
                stage.story.during("a crowd at the sign-in"),
            ):
                statuses = await _crowd(post, pending)
                await _until_looked(looks)
            grown = peak(door) - before
            stage.no_process_ended()
            slowest, page = max(one.own for one in probes), max(seconds for _, seconds in looks)
            held = [line for line in _said(stage)[begun:] if HELD in line]
            stage.story.figures |= {
                "grown by MiB": grown,
                "held the loop": len(held),
                "probes": len(probes),
                "slowest ms": round(1000 * slowest),
                "pages": len(looks),
                "slowest page ms": round(1000 * page),
                "answers": " ".join(f"{what} {dict(found)}" for what, found in statuses.items()),
            }
    assert len(held) <= HELD_BY_CHANCE, f"{len(held)} times something held the loop: {held[0]}"
    assert statuses["right"] == {303: RIGHT}
    assert statuses["wrong"] == {401: WRONG}
    assert set(statuses["code"]) <= {422, 401, 429}
    assert statuses["letter"] == {200: LETTERS}
    assert len(mailbox.letters) == 1, "of all addresses one has a user"
    assert not [one for one in probes if one.error]
    assert slowest < HEALTH_SECONDS, f"/healthz took {slowest} s"
    assert grown <= GROWTH_MEBIBYTES, f"the API grew by {grown} MiB"
    assert {status for status, _ in looks} == {200}, looks
    assert page < PAGE_SECONDS, f"a page took {page} s"


def _said(stage: Stage) -> list[str]:
    return (stage.installation.folder / "api-0.log").read_text().splitlines()


def _start(stage: Stage, mailbox: Mailbox) -> None:
    stage.installation.start(
        "api",
        PYTHONPATH=os.pathsep.join([str(DEBUGGED), *sys.path]),
        RECURO_ENCRYPTION_KEY=KEY,
        RECURO_PUBLIC_URL=stage.installation.api,
        RECURO_SMTP_HOST="127.0.0.1",
        RECURO_SMTP_PORT=str(mailbox.port),
        RECURO_SMTP_SECURITY="none",
        RECURO_SMTP_FROM="recuro@example.com",
    )
    stage.installation.wait_until_ready()


async def _people(stage: Stage) -> tuple[str, str]:
    """Users with a password; the session of one of them, and a sign-in of another that waits for its code."""
    stored = await Passwords().hashed(PASSWORD)
    made = [
        await users.create(stage.redis, email=f"user{number}@example.com", team="crowd", password=stored)
        for number in range(RIGHT + 2)
    ]
    keys = vault.load(Settings(encryption_key=SecretStr(KEY)))
    careful, looking = made[-2:]
    sealed = keys.seal(pyotp.random_base32(), *second_factor.place(careful))
    await accounts.change_user(stage.redis, [Setting("totp", sealed)], user=careful, version="1")
    pending = await links.make(stage.redis, Purpose.CODE, careful)
    code = await links.make(stage.redis, Purpose.SIGN_IN, looking)
    async with httpx.AsyncClient(base_url=stage.installation.api, trust_env=False) as client:
        # Once by password, so that all that a sign-in loads is there before memory is measured.
        fields = {"email": "user0@example.com", "password": PASSWORD}
        headers = {"Origin": stage.installation.api}
        assert (await client.post("/sign-in", data=fields, headers=headers)).status_code == 303
        client.cookies.clear()
        entered = await client.post(links.address_of("", Purpose.SIGN_IN, code), headers=headers)
    return entered.cookies["recuro"], pending


async def _crowd(post: Post, pending: str) -> dict[str, Counter[int]]:
    """The statuses of all that came, by what it was: sign-ins, codes and letters each at once."""
    asked = {
        "right": [
            ("/sign-in", {"email": f"user{number}@example.com", "password": PASSWORD})
            for number in range(RIGHT)
        ],
        "wrong": [
            ("/sign-in", {"email": f"nobody{number}@example.com", "password": "eight badgers sing"})
            for number in range(WRONG)
        ],
        "code": [("/sign-in/code", {"pending": pending, "code": "000000"}) for _ in range(CODES)],
        "letter": [("/forgotten", {"email": f"nobody{number}@example.com"}) for number in range(LETTERS - 1)]
        + [("/forgotten", {"email": "user1@example.com"})],
    }
    found: dict[str, Counter[int]] = {}
    for together in (("right", "wrong"), ("code",), ("letter",)):
        sent = [(what, await post(path, fields)) for what in together for path, fields in asked[what]]
        answered = await asyncio.gather(*(send() for _, send in sent))
        for (what, _), status in zip(sent, answered, strict=True):
            found.setdefault(what, Counter())[status] += 1
    return found


def _posting(port: int) -> Post:
    """Connects from an address that nobody had before; the call it returns sends a form, for a status."""
    numbers = count(1)

    async def post(path: str, fields: dict[str, str]) -> Send:
        number, body = next(numbers), urlencode(fields)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        source = f"127.3.{number // 250}.{number % 250 + 1}"
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))

        async def send() -> int:
            writer.write(f"{head}{body}".encode())
            said = await reader.read()
            writer.close()
            return int(said.split(b" ", 2)[1])

        return send

    return post


@contextmanager
def _looking(stage: Stage, session: str, door: int) -> Iterator[list[tuple[int, float]]]:
    """Who is signed in opens a page again and again; the status of each answer, and how long it took.

    Without what its loop, or this one, waited for a processor meanwhile.
    """
    looks: list[tuple[int, float]] = []

    def waited() -> float:
        return starved(door) + starved(os.getpid())

    async def look() -> None:
        cookies = {"recuro": session}
        async with httpx.AsyncClient(
            base_url=stage.installation.api, trust_env=False, cookies=cookies, timeout=30
        ) as client:
            while True:
                began = time.monotonic() - waited()
                answer = await client.get("/me")
                looks.append((answer.status_code, time.monotonic() - waited() - began))
                await asyncio.sleep(PAUSE_SECONDS)

    task = asyncio.get_running_loop().create_task(look())
    try:
        yield looks
    finally:
        task.cancel()


async def _until_looked(looks: Sequence[tuple[int, float]]) -> None:
    """One more page than there were, so that what was asked during the crowd is answered."""
    seen = len(looks)
    while len(looks) <= seen:
        await asyncio.sleep(PAUSE_SECONDS)


BOUNDED = (a_crowd_at_the_sign_in,)
LONG = ()
