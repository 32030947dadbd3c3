"""Names looked up as this machine does it, in /etc/hosts and by DNS, with no thread for each.

c-ares reads resolv.conf: its servers, search list, ndots and attempts. What only other sources know that
nsswitch.conf lists, such as mDNS or a directory, the system looks up, in a few threads; localhost, too,
which c-ares takes for ::1 on machines that have none.
"""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiodns
from aiodns import error as dns

TRY_SECONDS, TRIES = 1.5, 2
"""One server's time for an answer, and how often it is queried; the second time it has twice as long."""
SYSTEM_THREADS = 4
NSSWITCH = Path("/etc/nsswitch.conf")
_HOSTS = re.compile(r"^\s*hosts:([^#\n]*)", re.MULTILINE)
_OURS = frozenset(("files", "dns", "myhostname", "resolve"))
"""Sources that c-ares knows itself, or whose names resolv.conf leads to."""
_UNKNOWN = frozenset((dns.ARES_ENOTFOUND, dns.ARES_ENODATA))


class Names:
    """`look_up` any number at once; to be used in one loop, and closed there."""

    def __init__(self, *, servers: list[str] | None = None) -> None:
        """`servers` instead of the machine's own."""
        self._dns = aiodns.DNSResolver(servers, timeout=TRY_SECONDS, tries=TRIES)
        self._system = ThreadPoolExecutor(SYSTEM_THREADS, thread_name_prefix="lookup")
        self._has_others = _others()

    async def look_up(self, name: str) -> list[str]:
        """The addresses of a name; raises OSError if it has none, TimeoutError if its servers are silent."""
        if name.rstrip(".") == "localhost":
            return await self._of_system(name)
        try:
            found = await self._dns.getaddrinfo(name, type=socket.SOCK_STREAM)
        except dns.DNSError as error:
            if error.args[0] in _UNKNOWN and self._has_others:
                return await self._of_system(name)
            if error.args[0] == dns.ARES_ETIMEOUT:
                raise TimeoutError from None
            raise OSError(error.args[-1]) from None
        return list(dict.fromkeys(node.addr[0].decode() for node in found.nodes))

    async def close(self) -> None:
        await self._dns.close()
        self._system.shutdown(wait=False, cancel_futures=True)

    async def _of_system(self, name: str) -> list[str]:
        return await asyncio.get_running_loop().run_in_executor(self._system, of_system, name)


def of_system(name: str) -> list[str]:
    """What the system says of a name, whatever its sources; blocks."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def _others() -> bool:
    """Whether the system has sources of names that c-ares knows nothing of."""
    try:
        listed = _HOSTS.search(NSSWITCH.read_text())
    except OSError:
        return False
    sources = re.sub(r"\[[^\]]*\]", " ", listed[1]).split() if listed else []
    return bool(set(sources) - _OURS)
