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
    wanted = [row for row in rows if _is_wanted(row, now_ms, query)]
    wanted.sort(key=lambda row: (-int(row.since), row.host))
    chosen = paging.page_of(wanted, query)
    return Page(
        data=[_host(row, now_ms) for row in chosen.data],
        current_page=chosen.current_page,
        last_page=chosen.last_page,
        per_page=chosen.per_page,
        total=chosen.total,
    )


def _host(row: StoredHost, now_ms: int) -> Host:
    is_back = row.back != "0"
    return Host(
        host=row.host,
        reason=RestReason(row.why),
        since=clock.moment(row.since),
        resting_until=clock.moment(row.ends) if not is_back and int(row.ends) > now_ms else None,
        answering_since=clock.moment(row.back) if is_back else None,
        requests_since=int(row.requests),
        last_status=int(row.status) or None,
    )


def _is_wanted(row: StoredHost, now_ms: int, query: HostQuery) -> bool:
    is_back = row.back != "0"
    if query.filter is HostFilter.RESTING and (is_back or int(row.ends) <= now_ms):
        return False
    if query.filter is HostFilter.ANSWERING and not is_back:
        return False
    return not query.search or words.contains(query.search, row.host)
