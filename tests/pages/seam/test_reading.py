"""Pages call what operations call: by what their code refers to, nothing goes past the functions behind REST and MCP."""

from collections import defaultdict

import pytest

from tests.pages.seam.reading import OPERATIONS, PAGES, modules, read, used_in

ROOMS = ("shared.actions", "shared.store", "shared.runtime", "shared.security", "shared.operations", "redis")
"""From here Redis can be reached; what is below them cannot."""
OF_PEOPLE = {
    *("invitations.JOIN", "joining.Invited", "joining.accept", "joining.join", "joining.look"),
    *("joining.make_team", "profile.change_password", "profile.get", "profile.rename", "profile.set_up"),
    *("proof.STALE", "proof.is_fresh", "protection.Offer", "protection.begin", "protection.confirm"),
    *("protection.offer_codes", "protection.remove", "protection.take_codes", "resets.look"),
    *("resets.request", "resets.set_password", "saying.every", "saying.limits", "sessions.listed"),
    *("sessions.revoke", "sessions.revoke_others", "sessions.sign_out", "sessions.switch_team"),
    *("sessions.teams", "sign_in.CodeNeeded", "sign_in.SignedIn", "sign_in.with_code", "sign_in.with_link"),
    *("sign_in.with_password", "single_sign_on.Answer", "single_sign_on.Arrived", "single_sign_on.begin"),
    *("single_sign_on.VALID_MINUTES", "single_sign_on.finish", "teams.ACCOUNTS", "teams.check_owner"),
    *("tokens.get_with_version", "users.addresses", "users.get", "visits.Accounts", "visits.Visitor"),
    "tokens.expiring",
}
"""Of `shared.actions.accounts`: a token is nobody who signs in, so that REST has none of it."""
OF_READS = {
    *(
        "alerts.count_open",
        "alerts.page",
        "crons.get",
        "crons.page",
        "cron_records.failures",
        "cron_records.rows",
        "explain.described",
        "explain.offset_text",
        "jobs.read",
    ),
    *(
        "notifications.get",
        "queues.NamedQueue",
        "queues.choices",
        "queues.get",
        "reports.coming.Crons",
        "reports.coming.read",
        "reports.hosts.read",
        "reports.problems.rows",
        "reports.why.SKIPPED",
    ),
    "searches.looks.host_of",
}
"""Of `shared.actions`: parts of what an operation answers, read as it reads them, and nothing that it does not."""
VALUES = {
    *("redis.asyncio.Redis", "redis.exceptions.ResponseError", "shared.operations.Call"),
    *("shared.operations.Versions", "shared.runtime.durability.MEMORY", "shared.runtime.mail.missing"),
    *("shared.runtime.installation.Installation", "shared.runtime.serving.request_ids.of"),
    *(
        "shared.runtime.steadily.Troubles",
        "shared.runtime.steadily.steadily",
        "shared.security.refusals.count",
    ),
    *("shared.security.admission.Admission", "shared.security.oidc.provider.CALLBACK"),
    *("shared.security.second_factor.address_of", "shared.security.sessions.Signed"),
    *(
        "shared.security.tokens.CACHE_SECONDS",
        "shared.security.tokens.digest_of",
        "shared.security.vault.MASK",
    ),
    *("shared.store.care.overdue.LATE_SECONDS", "shared.store.care.shortage.REMEDY"),
    *("shared.store.care.shortage.Shortage", "shared.store.care.shortage.Shortage.ROOM"),
    *("shared.store.connection.AWAY", "shared.store.connection.OutcomeUnknown"),
    *(
        "shared.store.connection.translated",
        "shared.store.gathered.Gathered",
        "shared.store.gathered.Gathered.of",
    ),
    *("shared.store.idempotency.IdempotencyKey", "shared.store.idempotency.IdempotencyKey.of"),
    "shared.store.keyspace.SHARDS",
    *("shared.store.keyspace.Team", "shared.store.keyspace.events", "shared.store.ledger.Ledger"),
    *("shared.store.stored.LIST_BYTES", "shared.store.streams.READ_MILLISECONDS"),
}
"""Shapes, constants and functions that ask Redis for nothing."""
READERS = {
    "shared.runtime.installation.read": {"overview/system.py", "overview/facts.py"},
    "shared.store.care.overdue.crons": {"overview/facts.py"},
    "shared.store.ledger.read": {"overview/facts.py"},
    "shared.store.moments.now": {"overview/facts.py"},
    "shared.store.streams.newest": {"live/feed.py"},
    "shared.store.transitions.recall": {"visits.py"},
}
"""Where a page may ask what no operation answers: what `recuro doctor` reads, the bell of live pages, the outcome of a form."""
DOORS = {
    *("errors.Malformed", "errors.Refused", "errors.TooLarge", "requests.client_of", "requests.raw_of"),
    *("routing.Resource", "routing.at"),
}
"""Of `services.api`: what answers a request, whatever it is."""
STATE = {"visits.py", "live/stream.py", "work/dead_letters.py", "work/new_job.py"}
"""Who looks into the state of the process: for accounts, streams and the admission of URLs."""


def allowed() -> set[str]:
    people = {f"shared.actions.accounts.{name}" for name in OF_PEOPLE}
    return people | {f"shared.actions.{name}" for name in OF_READS} | VALUES | used_in(OPERATIONS)


def is_above(name: str, known: set[str]) -> bool:
    """Whether it is the module, imported, of something that is allowed."""
    return any(one.startswith(f"{name}.") for one in known)


def past(module: str, text: str) -> list[str]:
    """What a module of pages has that goes past the operations."""
    found, here = read(text), module.removeprefix(f"{PAGES}/")
    readers = {name for name, places in READERS.items() if here in places}
    known = allowed() | readers | {f"services.api.{name}" for name in DOORS}
    rooms = [name for name in sorted(found.used) if name.startswith(ROOMS)]
    doors = [name for name in sorted(found.used) if name.startswith("services.")]
    doors = [name for name in doors if not name.startswith("services.api.pages")]
    strange = [name for name in (*rooms, *doors) if name not in known and not is_above(name, known)]
    wrong = [one for one in found.wrong if not (here in STATE and "of the request" in one)]
    return strange + [one for one in wrong if not (here == "live/feed.py" and "xread" in one)]


@pytest.mark.parametrize(("module", "text"), [*modules(PAGES)], ids=[name for name, _ in modules(PAGES)])
def test_a_page_has_nothing_that_no_operation_has(module: str, text: str) -> None:
    assert past(module, text) == []


def test_nothing_is_allowed_that_no_page_has() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for module, text in modules(PAGES):
        for name in read(text).used:
            places[name].add(module.removeprefix(f"{PAGES}/"))
    named = allowed() - used_in(OPERATIONS) | {f"services.api.{name}" for name in DOORS}

    assert sorted(named - places.keys()) == []
    assert {name: places[name] for name in READERS} == READERS


WAYS_PAST = {
    "asks Redis": "async def show(visit):\n    await visit.having.redis.get('x')",
    "asks a client by another name": "async def show(visit):\n    r = visit.having.redis\n    await r.get('x')",
    "asks one of two": "async def show(visit, signed):\n    a, b = visit.having.redis, signed\n    await a.get('x')",
    "asks what it is given": "from redis.asyncio import Redis\nasync def show(one: Redis):\n    await one.get('x')",
    "asks by an assignment in between": "async def show(v):\n    if (r := v.having.redis):\n        await r.get('x')",
    "makes a client": "from shared.store.connection import connect",
    "imports Redis itself": "import redis.asyncio\nclient = redis.asyncio.from_url('')",
    "imports an action of the scheduler": "from shared.actions import settling",
    "imports an action that no operation has": "from shared.actions.owing import owed",
    "calls a private part of an action": "from shared.actions import queues\nqueues._save(1, 2)",
    "calls what an action has imported": "from shared.actions import queues\nqueues.transitions.read_queues(1, 2)",
    "imports a transition": "from shared.store import transitions\ntransitions.delete_cron(1)",
    "imports one by its name": "from shared.store.transitions.crons import delete_cron",
    "imports all of them": "from shared.store.transitions import *",
    "imports a helper of the API": "from services.api.quick import look",
    "imports an operation": "from services.api.rest import crons\ncrons.show(1, 2)",
    "imports the runner": "from services.api.runner import Runner",
    "looks into the application": "async def show(visit):\n    await visit.request.app.state.redis.get('x')",
    "looks into the state": "async def show(request):\n    db = request.state\n    await db.redis.get('x')",
    "looks into the scope": "async def show(visit):\n    db = visit.request.scope['state']",
    "asks by a text": "async def show(visit):\n    getattr(visit.having, 'redis')",
    "imports by a text": "import importlib\nimportlib.import_module('shared.store')",
}


@pytest.mark.parametrize("way", WAYS_PAST)
def test_a_way_past_the_operations_is_noticed(way: str) -> None:
    assert past(f"{PAGES}/scratch.py", WAYS_PAST[way]) != []
