"""What is done to many jobs, after a question: to those that are chosen in the list, or all that it found."""

import re
from collections import Counter
from collections.abc import Mapping

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.lists import NO_SEARCH, Asking, Meant, ask, chosen, done_to
from services.api.pages.shell import Question
from services.api.pages.visits import Visit
from services.api.pages.work import around, jobs
from services.api.pages.work.jobs import PATH
from services.api.pages.work.words import plural
from shared.actions import dead_letters, queues
from shared.actions.bulk import jobs as bulks
from shared.schemas.bulk.wanted import JobAction, JobBulk
from shared.schemas.dead_letters import ReplayCreate
from shared.schemas.jobs import JobFilter
from shared.security.sessions import Signed

BULK = f"{PATH}/bulk"
DOING = {JobAction.CANCEL: "cancelled", JobAction.DELETE: "deleted"}
_SENTENCES = {
    JobAction.CANCEL: "What waits of them is not sent. A request that runs is broken off within moments; its "
    "target may have done its part already. What has ended stays as it is.",
    JobAction.DELETE: "They go with all attempts and what came back, and no retry is sent: for good.",
}
_SAYABLE = re.compile(r'[^"*,\\]+')
"""A name of a queue that a search takes as it stands, between quotes."""
_NOTHING = "Choose jobs first, then what to do to them."
REPLAY = "replay"
_REPLAYING = (
    "New jobs are made with the same requests, all their retries and new Idempotency-Keys. "
    "They are sent at once."
)
_CHOOSE = (
    "Choose the dead letters that are to be replayed. All of a problem are replayed from the page of dead "
    "letters, where they can be sent slowly."
)


async def again(visit: Visit) -> Response:
    """Who loads the address of a form again comes to the list."""
    return to(jobs.asked_of(visit).link(around.base_of(await visit.in_team())))


async def change(visit: Visit, form: Form) -> Response:
    signed = await visit.in_team()
    if form.get("action") == REPLAY:
        return await _replay(visit, signed, form)
    action = next((one for one in JobAction if one == form.get("action")), None)
    try:
        meant = chosen(form, await _search(visit, signed) if form.has("all") else "")
        if action is None or not any(meant):
            wrong = NO_SEARCH if form.has("all") else _NOTHING
            return await jobs.shown(visit, signed, wrong=wrong, status=422)
        if not form.has("sure"):
            return await _ask(visit, signed, action, meant)
        count = form.get("count") or None
        wanted = parsed(JobBulk, {**meant.fields, "action": action, "expected_count": count})
        call = visit.call(signed, "change-jobs", form.once, action, meant.q, *map(str, meant.ids))
        result = await bulks.change(call, wanted)
    except IN_PLACE as error:
        return await jobs.shown(visit, signed, wrong="; ".join(errors_of(error).values()), status=422)
    return await jobs.shown(visit, signed, done=done_to(DOING[action], result))


async def _ask(visit: Visit, signed: Signed, action: JobAction, meant: Meant) -> Response:
    """With how many they are now."""
    wanted = parsed(JobBulk, {**meant.fields, "action": action, "dry_run": True})
    count = (await bulks.change(visit.call(signed, "change-jobs"), wanted)).matched
    verb, these = action.capitalize(), plural(count, "job")
    title = f"{verb} {'all ' if meant.q else ''}{these}?"
    question = Question(title, _SENTENCES[action], f"{verb} {these}")
    return await ask(visit, signed, _asking(visit, signed, action, question, count), meant)


def _asking(visit: Visit, signed: Signed, action: str, question: Question, count: int) -> Asking:
    asked, base = jobs.asked_of(visit), around.base_of(signed)
    return Asking("jobs", action, question, count, asked.link(base, below="/bulk"), asked.link(base))


async def _replay(visit: Visit, signed: Signed, form: Form) -> Response:
    """Those of the chosen ones that are dead letters."""
    ids = () if form.has("all") else chosen(form, "").ids
    if not ids:
        return await jobs.shown(visit, signed, wrong=_CHOOSE, status=422)
    try:
        wanted = parsed(ReplayCreate, {"ids": ids, "dry_run": not form.has("sure")})
        if wanted.dry_run:
            return await _ask_replay(visit, signed, wanted)
        call = visit.call(signed, "replay-dead-letters", form.once, REPLAY, *map(str, ids))
        result = await dead_letters.replay_now(call, ids)
    except IN_PLACE as error:
        return await jobs.shown(visit, signed, wrong="; ".join(errors_of(error).values()), status=422)
    left_out = Counter(one.reason for one in result.skipped)
    return await jobs.shown(visit, signed, done=f"{len(result.replayed):,} replayed.{_without(left_out)}")


async def _ask_replay(visit: Visit, signed: Signed, wanted: ReplayCreate) -> Response:
    call = visit.call(signed, "replay-dead-letters")
    plan = (await dead_letters.plan(call, wanted)).plan
    assert plan
    these = plural(plan.would_replay, "job")
    said = f"{_REPLAYING}{_without({one.name: one.count for one in plan.skipped})}"
    question = Question(f"Replay {these}?", said, f"Replay {these}")
    asking = _asking(visit, signed, REPLAY, question, plan.would_replay)
    return await ask(visit, signed, asking, Meant(wanted.ids or (), ""))


def _without(reasons: Mapping[str, int]) -> str:
    """What is left out, and why: 2 are left out: It is no dead letter of this team."""
    parts = [
        f" {count:,} {'is' if count == 1 else 'are'} left out: {reason}" for reason, count in reasons.items()
    ]
    return "".join(parts)


async def _search(visit: Visit, signed: Signed) -> str:
    """All that the list shows, in one search; '' if it shows all jobs, or no search can say what."""
    asked = jobs.asked_of(visit)
    parts = [asked.q] if asked.q else []
    if asked.status != JobFilter.ALL:
        parts.append(f"status:{asked.status}")
    if asked.queue:
        call = visit.call(signed, "get-queue")
        name = (await queues.get(call.redis, call.team, asked.queue)).name
        if not _SAYABLE.fullmatch(name):
            return ""
        parts.append(f'queue:"{name}"')
    return " ".join(parts)


routes = [page(BULK, again, change)]
