"""What a caller can see of the hosts that a team calls."""

from shared import clock
from shared.basics import words
from shared.operations import Call
from shared.schemas.base import Page
from shared.schemas.reports.hosts import Host, HostFilter, HostQuery, RestReason
from shared.store import paging, transitions
from shared.store.transitions import StoredHost


async def page(call: Call, query: HostQuery) -> Page[Host]:
    """Hosts that rest, or rested within two days: those whose rests began last come first."""
    now_ms, rows = await transitions.read_hosts(call.redis, call.team)
    found = [row for row in rows if _is_wanted(row, now_ms, query)]
    found.sort(key=lambda row: (-row.since, row.host))
    return paging.page_of(found, query, lambda row: _host(row, now_ms))


async def named(call: Call, name: str) -> Host | None:
    """The one of that name, at whichever port; of several the one whose rest began last."""
    now_ms, rows = await transitions.read_hosts(call.redis, call.team)
    wanted = _without_port(name)
    found = [row for row in rows if _without_port(row.host) == wanted]
    return _host(max(found, key=lambda row: row.since), now_ms) if found else None


def _without_port(host: str) -> str:
    """`a.example` of `a.example:443`, and `2001:db8::1` of `[2001:db8::1]:443`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _host(row: StoredHost, now_ms: int) -> Host:
    return Host(
        host=row.host,
        reason=RestReason(row.why),
        since=clock.moment(row.since),
        resting_until=clock.moment(row.ends) if _rests(row, now_ms) else None,
        answering_since=clock.moment(row.back) if _is_back(row) else None,
        requests_since=row.requests,
        last_status=row.status or None,
    )


def _is_back(row: StoredHost) -> bool:
    return row.back != 0


def _rests(row: StoredHost, now_ms: int) -> bool:
    return not _is_back(row) and row.ends > now_ms


def _is_wanted(row: StoredHost, now_ms: int, query: HostQuery) -> bool:
    is_so = {HostFilter.RESTING: _rests(row, now_ms), HostFilter.ANSWERING: _is_back(row)}
    return is_so.get(query.filter, True) and (not query.search or words.contains(query.search, row.host))
