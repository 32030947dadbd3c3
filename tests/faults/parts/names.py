"""A DNS server of ours and a resolv.conf that only one process sees."""

import random
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType

PORT = 53
_TYPE_A = 1


class Names:
    """`with Names() as names:` answers on port 53; `said` are the addresses of a name, in turn.

    It has a loopback address of its own, chosen at random, so that two fault suites can run side by side.

    A name that is not known does not exist; one with no addresses gets no answer.
    """

    def __init__(self, said: dict[str, list[list[str]]], silent: str = "") -> None:
        """`silent`: no name below this one gets an answer."""
        self.address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        self._said = said
        self._silent = f".{silent}"
        self.queries: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)

    def resolv_conf(self, folder: Path) -> Path:
        path = folder / "resolv.conf"
        path.write_text(f"nameserver {self.address}\noptions timeout:20 attempts:1\n")
        return path

    def __enter__(self) -> "Names":
        self._socket.bind((self.address, PORT))
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._is_over = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.address, PORT))  # a thread that reads would go on with a closed socket
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._is_over:
            try:
                query, asker = self._socket.recvfrom(512)
                if query and (answer := self._answer(query)):
                    self._socket.sendto(answer, asker)
            except OSError:
                return

    def _answer(self, query: bytes) -> bytes | None:
        name, end = _name(query)
        (kind,) = struct.unpack("!H", query[end : end + 2])
        known = self._said.get(name)
        self.queries.append(name)
        if known == [] or (len(self._silent) > 1 and name.endswith(self._silent)):
            return None
        addresses = known[0] if known and kind == _TYPE_A else []
        if known and kind == _TYPE_A:
            known.append(known.pop(0))
        flags = 0x8180 if known is not None else 0x8183
        head = struct.pack("!HHHHHH", int.from_bytes(query[:2]), flags, 1, len(addresses), 0, 0)
        rows = [struct.pack("!HHHLH", 0xC00C, _TYPE_A, 1, 0, 4) + socket.inet_aton(one) for one in addresses]
        return head + query[12 : end + 4] + b"".join(rows)


def _name(query: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode().lower())
        at += length + 1
    return ".".join(labels), at + 1
