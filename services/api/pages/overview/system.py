"""The system: what runs, and whether anything keeps it from working; nothing of it is of a team."""

from starlette.responses import Response

from services.api.pages import words
from services.api.pages.crons import saying
from services.api.pages.endpoint import page
from services.api.pages.overview import grounds
from services.api.pages.overview.grounds import Fault, Figure
from services.api.pages.overview.shell import overview_page
from services.api.pages.visits import Visit
from shared.runtime import installation
from shared.runtime.installation import Installation

SYSTEM = "/system"


async def show(visit: Visit) -> Response:
    signed = await visit.signed()
    known = await installation.read(visit.having.redis)
    wrong = faults(known)
    return await overview_page(
        visit,
        signed,
        "overview/system.html",
        section="system",
        title=title(wrong),
        wrong=wrong,
        processes=grounds.processes(known),
        storage=grounds.storage(known),
        times=times(known),
        version=known.version,
    )


def faults(known: Installation) -> list[Fault]:
    """All that the page shows to be wrong, worst first."""
    found = list(grounds.faults(known, crons=1, waiting=1))
    if not known.clock.was_vouched and known.processes["scheduler"]:
        said = "No scheduler that runs has yet; until one does, the time of Redis is taken as it is."
        found.append(Fault("Nobody vouches for the clock", said))
    return found


def title(wrong: list[Fault]) -> str:
    if not wrong:
        return "The system is well."
    many = words.number(len(wrong))
    return f"{wrong[0].title}." if len(wrong) == 1 else f"{many} things are wrong with the system."


def times(known: Installation) -> list[Figure]:
    off, agree = known.clock.correction_ms, grounds.apart(known)
    late = known.overdue_seconds
    return [
        Figure(
            "Clock",
            "vouched for" if known.clock.is_vouched else "not vouched for",
            f"schedulers agree within {agree:,} ms"
            if known.clock.witnesses
            else "no scheduler looked at it lately",
            "" if known.clock.is_vouched else "bad",
        ),
        Figure("Correction", f"{off:,} ms" if off else "none", "taken out of the clock of Redis"),
        Figure(
            "Oldest late work", saying.late(round(late * 1000)) if late else "none", "waits for a scheduler"
        ),
        Figure("Time zones", known.zones, "rules by which crons fire"),
    ]


routes = [page(SYSTEM, show)]
