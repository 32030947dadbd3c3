"""Where the time of a request went, by the moments that were noted while it was made."""

from typing import NamedTuple

from services.worker.http.dialled import Dialled
from services.worker.http.response import Answer


class Phases(NamedTuple):
    """Whole milliseconds, without those of the wait for its turn; none is a phase that did not come.

    They add up to its duration, unless a kept connection was lost before: what that took is in none of them.
    """

    dns: int | None
    connect: int | None
    tls: int | None
    sent: int | None
    first_byte: int | None
    body: int | None
    address: str
    """Nothing by way of a proxy, which dials by itself."""
    is_kept: bool


def phases_of(answer: Answer, began_at: float, ended_at: float, waited_seconds: float) -> Phases | None:
    """Of a request that began and ended then; none if it never came to a connection."""
    dialled = answer.dialled
    if dialled is None:
        if answer.begun_at and answer.written_at:
            return _of_kept(answer, began_at + waited_seconds, ended_at)
        if not answer.is_asked_for:
            return None
        begins = began_at + waited_seconds
        before: tuple[float | None, ...] = (None, None, None)
    else:
        begins = dialled.ready_at + waited_seconds - dialled.waited_seconds
        starts = began_at + dialled.waited_seconds if dialled.is_first else dialled.began_at
        before = _dialling(dialled, starts, ended_at)
    is_ready = dialled is None or (dialled.ready_at > 0 and answer.is_asked_for)
    after = _exchanging(answer, begins, ended_at) if is_ready else (None, None, None)
    address = dialled.address if dialled else answer.address
    return Phases._make((*_rounded(*before, *after), address, dialled is None))


def _of_kept(answer: Answer, starts: float, ended_at: float) -> Phases:
    """What most are: an answer came on a kept connection. The general way takes five times as long."""
    sent = round((answer.written_at - starts) * 1000)
    begun = round((answer.begun_at - starts) * 1000)
    ended = round((ended_at - starts) * 1000)
    return Phases._make((None, None, None, sent, begun - sent, ended - begun, answer.address, True))


def _dialling(
    dialled: Dialled, starts: float, ended_at: float
) -> tuple[float | None, float | None, float | None]:
    """Seconds of the look-up, the connecting and the handshake; the one in which it ended, up to its end."""
    dns = (dialled.connecting_at or ended_at) - starts if dialled.is_looked_up else None
    if not dialled.connecting_at:
        return dns, None, None
    connect = (dialled.connected_at or ended_at) - (dialled.connecting_at if dns is not None else starts)
    tls = None
    if dialled.connected_at and dialled.is_encrypted:
        tls = (dialled.encrypted_at or ended_at) - dialled.connected_at
    return dns, connect, tls


def _exchanging(
    answer: Answer, begins: float, ended_at: float
) -> tuple[float | None, float | None, float | None]:
    """Seconds of the sending, of the wait for the first byte, and of the reading."""
    first = answer.begun_at
    if not answer.written_at:  # who answers before all of it was taken has waited for nothing more
        return (first or ended_at) - begins, 0.0 if first else None, ended_at - first if first else None
    sent = answer.written_at - begins
    if not first:
        return sent, ended_at - answer.written_at, None
    return sent, first - answer.written_at, ended_at - first


def _rounded(*seconds: float | None) -> list[int | None]:
    """Milliseconds of each, so that together they are those of all."""
    sum_seconds, before, found = 0.0, 0, list[int | None]()
    for each in seconds:
        if each is None:
            found.append(None)
            continue
        sum_seconds += each
        now = max(before, round(sum_seconds * 1000))
        found.append(now - before)
        before = now
    return found
