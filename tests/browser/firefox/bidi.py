"""A Firefox of this machine, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): the few commands that a test needs.

Playwright drives a Firefox of its own build alone, and Debian has no driver for its own.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from signal import SIGKILL
from typing import Any

import aiohttp

from services.cli.leash import leashed
from tests.poll import until

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
START_SECONDS = 120.0
"""About 3 on an idle machine."""
EVENTS = ["log.entryAdded", "network.beforeRequestSent"]


class Refused(Exception):
    """A command that Firefox answered with an error."""


class Tab:
    """The one tab of a Firefox: what it is told, what it complains of, and what it asked of which address."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._socket = socket
        self._context = ""
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def begin(self) -> None:
        await self.command("session.new", capabilities={})
        await self.command("session.subscribe", events=EVENTS)
        self._context = (await self.command("browsingContext.getTree"))["contexts"][0]["context"]

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await asyncio.wait_for(self._answers[number], START_SECONDS)

    async def listen(self) -> None:
        """Hand answers to whoever waits for them, and keep what is said besides."""
        async for message in self._socket:
            said = json.loads(message.data)
            match said["type"]:
                case "success":
                    self._answers.pop(said["id"]).set_result(said["result"])
                case "error":
                    self._answers.pop(said["id"]).set_exception(
                        Refused(f"{said['error']}: {said['message']}")
                    )
                case "event":
                    self._note(said["method"], said["params"])

    def _note(self, event: str, params: dict[str, Any]) -> None:
        if event == "network.beforeRequestSent" and params["context"] == self._context:
            self.asked.append(params["request"]["url"])
        elif event == "log.entryAdded" and params["level"] in ("warn", "error"):
            self.complaints.append(params["text"])

    async def open(self, url: str) -> None:
        await self.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The text, number or truth that a page answers to it; None of a page that is just being left."""
        return (await self._asked("evaluate", expression=expression)).get("value")

    async def click(self, selector: str, *, name: str = "") -> None:
        """By a pointer, on the first that is seen, and is called so by the text in it."""
        element = await until(lambda: self._seen(selector, name))
        origin = {"type": "element", "element": {"sharedId": element}}
        await self._acts(
            "pointer",
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            *({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")),
        )

    async def type(self, selector: str, text: str) -> None:
        """By keys, in place of what stands there."""
        await self.click(selector)
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        await self._acts(
            "key", *({"type": kind, "value": one} for one in text for kind in ("keyDown", "keyUp"))
        )

    async def _acts(self, kind: str, *actions: dict[str, Any]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        await self.command("input.performActions", context=self._context, actions=[source])

    async def _seen(self, selector: str, name: str) -> str:
        """The element in the middle of the window, once the page has it."""
        function = """(selector, name) => {
            const found = [...document.querySelectorAll(selector)].find((one) =>
                one.checkVisibility() && one.textContent.includes(name));
            found?.scrollIntoView({block: "center", behavior: "instant"});
            return found;
        }"""
        given = [{"type": "string", "value": text} for text in (selector, name)]
        found = await self._asked("callFunction", functionDeclaration=function, arguments=given)
        shared: str = found.get("sharedId", "")
        return shared

    async def _asked(self, how: str, **what: Any) -> dict[str, Any]:
        target = {"context": self._context}
        with suppress(Refused):
            found = await self.command(f"script.{how}", **what, target=target, awaitPromise=True)
            assert found["type"] == "success", found
            result: dict[str, Any] = found["result"]
            return result
        return {}


@asynccontextmanager
async def firefox(folder: Path) -> AsyncIterator[Tab]:
    """Its profile and what it says are in the folder."""
    assert FIREFOX
    profile, said = folder / "profile", folder / "firefox.log"
    profile.mkdir()
    command = [FIREFOX, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)]
    with said.open("wb") as output:
        process = subprocess.Popen(leashed(command, death_signal=SIGKILL), stdout=output, stderr=output)
    try:
        port = await until(partial(asyncio.to_thread, _port, profile, process), START_SECONDS)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0) as socket,
        ):
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            await tab.begin()
            yield tab
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
    finally:
        process.kill()
        process.wait()


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    assert process.poll() is None, "Firefox did not start"
    with suppress(FileNotFoundError, json.JSONDecodeError):
        port: int = json.loads((profile / "WebDriverBiDiServer.json").read_text())["ws_port"]
        return port
    return 0
