"""Another password by a link."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pyotp
import pytest
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import (
    invitations,
    joining,
    links,
    profile,
    protection,
    resets,
    sign_in,
    tokens,
    users,
)
from shared.actions.accounts.links import Purpose
from shared.actions.accounts.sign_in import CodeNeeded, SignedIn
from shared.actions.accounts.visits import LETTER_BURST, Accounts, Visitor
from shared.errors import Conflict, Invalid, NotFound, TooManyAttempts, Unauthenticated
from shared.schemas.accounts.audit import AuditQuery
from shared.schemas.accounts.invitations import InvitationCreate
from shared.schemas.accounts.tokens import TokenCreate
from shared.schemas.accounts.users import Role, UserSetUp
from shared.settings import Settings
from shared.store.keyspace import Team
from shared.store.transitions import Setting, accounts
from tests.actions.people import ADA, GRACE, PASSWORD, enter, in_browser, later, make, signed
from tests.calls import call_of
from tests.mailbox import Mailbox

OTHER = "eight badgers sing"
MINUTE = 60_000


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


@pytest.fixture
def mailing(having: Accounts, mailbox: Mailbox, settings: Settings) -> Accounts:
    """The same, where mail can be sent."""
    able = settings.model_copy(
        update={
            "smtp_host": "127.0.0.1",
            "smtp_port": mailbox.port,
            "smtp_security": "none",
            "smtp_from": "recuro@example.com",
            "public_url": "https://recuro.example.com",
        }
    )
    return replace(having, settings=able, running=set())


async def join(having: Accounts, visitor: Visitor) -> None:
    """Grace, whom Ada invited, says who she is: user 2."""
    await make(having)
    invitation = InvitationCreate(email=GRACE, role=Role.MEMBER)
    invited = await invitations.create(call_of(having.redis, Team(1)), invitation)
    await joining.join(having, visitor, invited.code, name="Grace", password=PASSWORD)


async def request(mailing: Accounts, visitor: Visitor, email: str) -> None:
    """And wait for what goes on after the answer."""
    await resets.request(mailing, visitor, email)
    await asyncio.gather(*mailing.running)


async def test_a_link_goes_to_the_users_own_address_and_sets_another_password(
    mailing: Accounts, visitor: Visitor, mailbox: Mailbox
) -> None:
    await make(mailing)
    before = (await enter(mailing, visitor)).session

    await request(mailing, visitor, "ADA@example.com")
    (letter,) = mailbox.letters
    (line,) = [one.strip() for one in letter.get_content().splitlines() if "https://" in one]
    code = line.removeprefix("https://recuro.example.com/reset/")
    shown = await resets.look(mailing, visitor, code)
    entered = await resets.set_password(mailing, visitor, code, OTHER)

    assert mailbox.recipients == [(ADA,)]
    assert code not in str(letter["Message-ID"])
    assert shown == ADA
    assert isinstance(entered, SignedIn)
    assert (await signed(mailing, entered.session)).user == 1
    with pytest.raises(Unauthenticated):
        await signed(mailing, before)
    with pytest.raises(Unauthenticated):
        await enter(mailing, visitor)
    await enter(mailing, visitor, password=OTHER)


async def test_every_team_of_the_user_has_a_line_of_it(having: Accounts, visitor: Visitor) -> None:
    await make(having)
    who = await signed(having, (await enter(having, visitor)).session)
    second = await joining.make_team(having, visitor, who, "two")
    code = await links.make(having.redis, Purpose.RESET, 1)

    await resets.set_password(having, visitor, code, OTHER)

    for team in (1, second):
        line = (await audit.page(having.redis, Team(team), AuditQuery())).data[0]
        assert (line.operation, line.actor, line.about) == ("reset-password", ADA, ("user:1",))
        assert (line.interface, line.client, line.request_id) == ("web", "Firefox", "r-7")
        assert OTHER not in line.model_dump_json()


async def test_nobody_is_told_whether_an_address_has_a_user(
    mailing: Accounts, visitor: Visitor, mailbox: Mailbox
) -> None:
    await make(mailing)

    await request(mailing, visitor, "nobody@example.com")

    assert mailbox.letters == []


async def test_an_account_under_an_address_that_was_never_proved_is_not_handed_to_it(
    mailing: Accounts, visitor: Visitor, mailbox: Mailbox
) -> None:
    await join(mailing, visitor)

    await request(mailing, visitor, GRACE)
    printed = await links.make(mailing.redis, Purpose.RESET, 2)
    await resets.set_password(mailing, visitor, printed, OTHER)
    await request(mailing, visitor, GRACE)

    first, second = [letter.get_content() for letter in mailbox.letters]
    assert "https://" not in first
    assert "recuro user reset" in first
    assert "https://recuro.example.com/reset/" in second


@pytest.mark.parametrize("is_proved", [False, True])
async def test_the_first_link_ends_what_whoever_had_the_account_made_in_each_of_its_teams(
    having: Accounts, visitor: Visitor, is_proved: bool
) -> None:
    redis = having.redis
    await join(having, visitor)
    user = await users.get(redis, 2)
    proved = [Setting("email_proved", "1" if is_proved else None)]
    await accounts.change_user(redis, proved, user=2, version=user.version)
    impostor = in_browser(visitor, (await enter(having, visitor, GRACE)).session)
    team = await joining.make_team(having, impostor, await signed(having, impostor.session or ""), "two")
    who = await signed(having, impostor.session or "")
    await tokens.create(having.call(impostor, who, "create-token"), TokenCreate(name="x", scopes=["read"]))
    evil = InvitationCreate(email="evil@example.com", role=Role.ADMIN)
    await invitations.create(having.call(impostor, who, "create-invitation"), evil)
    await tokens.create(call_of(redis, Team(team)), TokenCreate(name="kept", scopes=["read"]))

    code = await links.make(redis, Purpose.RESET, 2)
    await resets.set_password(having, visitor, code, OTHER)

    ids = await redis.hkeys(f"r:{{global}}:tokens:{team}")  # type: ignore[misc]
    left = (ids, await redis.zcard(f"r:{{global}}:invitations:{team}"))
    assert left == ((["1", "2"], 1) if is_proved else (["2"], 0))
    one, two = [(await audit.page(redis, Team(each), AuditQuery())).data[0] for each in (1, team)]
    assert (one.operation, two.operation) == ("reset-password", "reset-password")
    assert one.about == ("user:2",)
    assert two.about == (("user:2",) if is_proved else ("token:1", "invitation:1", "user:2"))
    assert ("removed" in two.changes) != is_proved


async def test_an_address_that_the_first_owner_typed_is_not_proved_by_that(
    having: Accounts, visitor: Visitor
) -> None:
    owner = await users.owner_of(having.redis, "default", "installer@example.com")
    entered = await sign_in.with_link(having, visitor, await links.make(having.redis, Purpose.SIGN_IN, owner))
    assert isinstance(entered, SignedIn)
    who = await signed(having, entered.session)

    await profile.set_up(having, visitor, who, UserSetUp(email=GRACE, name="Grace", password=PASSWORD))

    assert not (await users.get(having.redis, owner)).has_proved_email


async def test_letters_to_one_address_are_few_whoever_asks(mailing: Accounts, mailbox: Mailbox) -> None:
    await make(mailing)
    for number in range(LETTER_BURST):
        await request(mailing, Visitor(f"192.0.2.{number}"), ADA)

    for email in (ADA, "Ada@EXAMPLE.com"):
        with pytest.raises(TooManyAttempts):
            await request(mailing, Visitor("192.0.2.99"), email)

    assert len(mailbox.letters) == LETTER_BURST
    await enter(mailing, Visitor("192.0.2.99"))


async def test_without_a_mail_server_it_says_who_can_help(having: Accounts, visitor: Visitor) -> None:
    with pytest.raises(Conflict, match="recuro user reset"):
        await resets.request(having, visitor, ADA)


async def test_a_mail_server_that_is_away_is_no_error_of_the_visitor(
    mailing: Accounts, visitor: Visitor, mailbox: Mailbox
) -> None:
    await make(mailing)
    mailbox.refusal = "550 no"

    await request(mailing, visitor, ADA)

    assert mailbox.letters == []


async def test_a_link_is_used_once_and_of_five_at_once_by_one(having: Accounts, visitor: Visitor) -> None:
    await make(having)
    code = await links.make(having.redis, Purpose.RESET, 1)

    tried = await asyncio.gather(
        *(resets.set_password(having, visitor, code, f"{OTHER} {number}") for number in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, SignedIn) for one in tried) == 1
    assert sum(isinstance(one, NotFound) for one in tried) == 4
    with pytest.raises(NotFound):
        await resets.look(having, visitor, code)


async def test_a_link_is_worth_nothing_after_an_hour(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    code = await links.make(redis, Purpose.RESET, 1)

    await later(redis, 60 * MINUTE)

    with pytest.raises(NotFound):
        await resets.look(having, visitor, code)
    with pytest.raises(NotFound):
        await resets.set_password(having, visitor, code, OTHER)
    await enter(having, visitor)


async def test_a_link_from_before_another_password_is_worth_nothing(
    having: Accounts, visitor: Visitor
) -> None:
    await make(having)
    code = await links.make(having.redis, Purpose.RESET, 1)
    here = in_browser(visitor, (await enter(having, visitor)).session)
    await profile.change_password(having, here, await signed(having, here.session or ""), PASSWORD, OTHER)

    with pytest.raises(NotFound):
        await resets.set_password(having, visitor, code, "nine herons wait")


async def test_a_bad_password_leaves_the_link_as_it_is(having: Accounts, visitor: Visitor) -> None:
    await make(having)
    code = await links.make(having.redis, Purpose.RESET, 1)

    for _ in range(25):
        with pytest.raises(Invalid):
            await resets.set_password(having, visitor, code, "qwertyuiop1")

    assert isinstance(await resets.set_password(having, visitor, code, OTHER), SignedIn)


async def test_a_second_factor_is_asked_for_all_the_same(having: Accounts, visitor: Visitor) -> None:
    await make(having)
    here = in_browser(visitor, (await enter(having, visitor)).session)
    who = await signed(having, here.session or "")
    offer = await protection.begin(having, here, who, PASSWORD)
    app = pyotp.TOTP(offer.secret)
    await protection.confirm(having, here, who, offer, app.at(await having.now()))
    code = await links.make(having.redis, Purpose.RESET, 1)

    entered = await resets.set_password(having, visitor, code, OTHER)

    assert isinstance(entered, CodeNeeded)
    link = await links.make(having.redis, Purpose.SIGN_IN, 1)
    assert isinstance(await sign_in.with_link(having, visitor, link), CodeNeeded)
