"""The overview of a team: whether anything needs somebody, what ran today, and what comes next."""

from starlette.responses import Response

from services.api.pages import words, zones
from services.api.pages.endpoint import page
from services.api.pages.forms import Form
from services.api.pages.overview import busiest, facts, grounds, hour, needs, today
from services.api.pages.overview.facts import Facts
from services.api.pages.overview.grounds import Figure
from services.api.pages.overview.shell import PATH, base_of, overview_page
from services.api.pages.rendering import rendered
from services.api.pages.visits import Visit
from services.api.pages.work.words import plural

TODAY = f"{PATH}/today"
AT_ONCE = 250
"""Active crons: of more what is to come is counted after the page is there, or by a link."""


async def show(visit: Visit) -> Response:
    signed, zone = await visit.in_team(), zones.zone_of(visit)
    known = await facts.read(visit, signed, zone, base_of(signed))
    wanted = needs.found(known, may_write=signed.caller.has("write"))
    is_whole = known.active <= AT_ONCE
    failing = needs.failing(known)
    call = visit.call(signed, "count-coming")
    return await overview_page(
        visit,
        signed,
        "overview/index.html",
        section="overview",
        known=known,
        title=title(len(wanted), has_more=known.has_more, is_empty=known.is_empty),
        lede=lede(known, len(failing)),
        needs=wanted[: needs.SHOWN],
        more=len(wanted) - needs.SHOWN,
        today=await today.read(call, failing, known.now, zone) if is_whole and not known.is_empty else None,
        calls=hour.calls(known.hour, zone),
        charts=[
            ("wait before the start, p95", hour.waits(known.hour, zone)),
            ("late, p95 of fires", hour.lateness(known.hour, zone)),
        ],
        rows=busiest.rows(known),
        figures=[*grounds.figures(known.installation), *of_team(known)],
        origin=visit.address,
        form=Form(),
    )


async def part(visit: Visit) -> Response:
    """What ran and what is to come, for a page that is there already."""
    signed, zone = await visit.in_team(), zones.zone_of(visit)
    call, now = visit.call(signed, "count-coming"), await visit.having.now()
    failing = needs.in_order((await facts.crons_of(call, (await facts.problems_of(call)).data)).values())
    read = await today.read(call, failing, now, zone)
    return rendered("overview/today.html", today=read, base=base_of(signed), now=zones.local(now, zone))


def title(many: int, *, has_more: bool = False, is_empty: bool = False) -> str:
    """Everything runs. One thing needs you. Three things need you."""
    if has_more:
        return f"Over {many:,} things need you."
    if not many:
        return "Nothing runs here yet." if is_empty else "Everything runs."
    return "One thing needs you." if many == 1 else f"{words.number(many)} things need you."


def lede(known: Facts, failing: int) -> str:
    """How many crons are well, and how the calls of the last hour did."""
    total = known.active + known.paused
    parts = []
    if total:
        paused = (
            f" and {known.paused:,} {'is' if known.paused == 1 else 'are'} paused" if known.paused else ""
        )
        well = known.active if known.has_more else max(0, known.active - failing)
        crons, how = "cron is" if total == 1 else "crons are", "active" if known.has_more else "healthy"
        parts.append(f"{well:,} of {total:,} {crons} {how}{paused}.")
    calls = sum(hour.ended(one) for one in known.hour.data)
    if calls:
        share = 100 * known.hour.total.completed / calls
        many = "call" if calls == 1 else "calls"
        parts.append(f"{calls:,} {many} in the last hour, {share:.1f} % of them successful.")
    else:
        parts.append("No calls in the last hour.")
    return " ".join(parts)


def of_team(known: Facts) -> list[Figure]:
    """Whether its jobs add up, and what it used of this month."""
    used, most = known.usage.requests, known.usage.monthly_request_limit
    holds = known.ledger.holds
    return [
        Figure(
            "Ledger",
            "balances" if holds else "does not balance",
            f"{plural(known.ledger.accepted, 'job')} accepted{', all accounted for' if holds else ''}",
            "" if holds else "bad",
        ),
        Figure(
            "Requests this month",
            f"{used:,}",
            f"{used / most:.0%} of {most:,}" if most else "no limit is set",
        ),
    ]


routes = [page(PATH, show), page(TODAY, part)]
