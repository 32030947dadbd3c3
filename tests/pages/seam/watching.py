"""Watches what the API asks Redis for, and by whose code: of each command the way through the calls that led to it."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import pytest

from shared.store import connection
from shared.store.gathered import Gathered
from tests.pages.seam.reading import PAGES, ROOT

THREAD = "api"
"""As tests.api.serving names it."""
BEHIND = ("shared/actions/", "shared/security/")
"""What stands between a page and Redis."""
INSTALLATION = {
    *("overview/facts.py", "nobody", "shared/runtime/durability.py", "shared/runtime/health.py"),
    *("shared/store/care/overdue.py", "shared/store/ledger.py", "shared/store/moments.py"),
}
"""Who reads how the installation is, as `recuro doctor` does: the overview and /system alone."""
_PREFIX = re.compile(r"^recuro_[0-9a-f]+_")
"""Of functions, by the version of the library."""
BY_ITSELF, TOGETHER = "shared/runtime/steadily.py", "shared/store/gathered.py"
"""What a process does at its own pace, for no request; and what sends what was watched when it was asked for."""
SESSIONS = "shared/store/transitions/accounts/sessions.py"
"""Of several requests `shared/security/sessions.py` looks up together who is signed in, in tasks of their own."""
LUA = ROOT / "shared" / "store" / "lua"


class Asked(NamedTuple):
    """A command, and the module below that a page or nobody asked for it with; `by` is empty where all is well."""

    command: str
    by: str


class Watched(list[Asked]):
    """What was asked so far."""

    def past(self) -> set[Asked]:
        return {one for one in self if one.by}

    def written(self) -> set[str]:
        return {one.command for one in self if one.command not in READS}


@contextmanager
def watching(thread: str = THREAD) -> Iterator[Watched]:
    """All commands of the clients in that thread."""
    found, send, answer = Watched(), connection._Connection.send_packed_command, Gathered._answer

    async def watched(self: Any, command: Any, check_health: bool = True) -> None:
        if threading.current_thread().name == thread:
            by = way(sys._getframe(1))
            found.extend(Asked(name, by) for name in names_of(b"".join(command)))
        await send(self, command, check_health)

    async def gathered(self: Any, command: tuple[Any, ...]) -> Any:
        if threading.current_thread().name == thread:
            name = command[1] if command[0] == "FCALL" else command[0]
            found.append(Asked(_PREFIX.sub("", str(name).lower()), way(sys._getframe(1))))
        return await answer(self, command)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection._Connection, "send_packed_command", watched)
        patch.setattr(Gathered, "_answer", gathered)
        yield found


def way(frame: FrameType | None) -> str:
    """Who asked, if no function behind REST stands between: the module of a page, or the outermost one of ours."""
    last = ""
    while frame:
        name = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        if name.startswith(BEHIND):
            return ""
        if name.startswith(PAGES):
            return name.removeprefix(f"{PAGES}/")
        if name.startswith(("shared/", "services/")):
            last = name
        frame = frame.f_back
    return "" if last in (BY_ITSELF, TOGETHER, SESSIONS) else last or "nobody"


def names_of(sent: bytes) -> list[str]:
    """Each command of what is written at once: of a call of a function the name of that."""
    return [
        _PREFIX.sub("", (found[2] or found[1]).decode().lower())
        for found in re.finditer(rb"(?:^|\r\n)\*\d+\r\n\$\d+\r\n(\w+)(?:(?<=FCALL)\r\n\$\d+\r\n(\w+))?", sent)
    ]


def _reads() -> set[str]:
    """Functions that cannot write, and the commands that the code has beside them."""
    first = {path.stem: path.read_text().partition("\n")[0] for path in LUA.rglob("*.lua")}
    return {name for name, line in first.items() if "no-writes" in line} | PLAIN_READS


PLAIN_READS = {
    *("get", "mget", "hget", "hmget", "hgetall", "zrange", "zcard", "zscore", "scard", "smembers", "xrange"),
    *("xrevrange", "xread", "xlen", "time", "info", "llen", "lrange", "hlen", "exists", "hello", "client"),
    *("config", "ping", "zcount", "zrangebyscore", "zrevrange", "sismember", "auth", "select", "function"),
    "hscan",
}
READS = _reads()
