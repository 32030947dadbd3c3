"""A browser without script, as httpx is one: it opens pages, fills forms in and sends them from where they are."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
from argon2 import PasswordHasher
from redis.asyncio import Redis

from shared.actions.accounts import links, users
from shared.actions.accounts.links import Purpose
from shared.schemas.accounts.users import Role
from shared.security.passwords import Passwords

PASSWORD = "seven otters knit"


@dataclass
class Sent:
    """A form of a page: where it goes, and the fields as they stand in it."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a browser makes of a page: its forms, its links and its text."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.response, self.status = response, response.status_code
        self.forms: list[Sent] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()
        self._select = self._textarea = ""
        self.feed(response.text)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def path(self) -> str:
        return self.response.url.path

    def form(self, action: str) -> Sent:
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form for {action}, but {[form.action for form in self.forms]}: {self.text}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.attributes |= given.keys()
        self.tags.add(tag)
        match tag:
            case "form":
                self.forms.append(Sent(given.get("action") or self.path))
            case "a":
                self.links.append(given.get("href") or "")
            case "script":
                self.scripts.append(given)
            case "select":
                self._select = given.get("name") or ""
            case "option" if "selected" in given or self._select not in self.forms[-1].fields:
                self.forms[-1].fields[self._select] = given.get("value") or ""
            case "textarea":
                self._textarea = given.get("name") or ""
                self.forms[-1].fields[self._textarea] = ""
            case "input" if self.forms:
                self._input(given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._textarea:  # a browser leaves the first line end out
            fields = self.forms[-1].fields
            fields[self._textarea] = (fields[self._textarea] + data).removeprefix("\n")

    def _input(self, given: dict[str, str | None]) -> None:
        name, kind = given.get("name"), given.get("type")
        if name and (kind not in ("radio", "checkbox") or "checked" in given):
            self.forms[-1].fields[name] = given.get("value") or ("on" if kind == "checkbox" else "")


class Browser:
    """Keeps cookies, follows redirects, and says where its forms are from."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.origin = str(client.base_url).rstrip("/")

    async def open(self, path: str) -> Page:
        return Page(await self.client.get(path, follow_redirects=True))

    async def open_with(self, path: str, **query: str) -> Page:
        """The same, with what the address says after a question mark."""
        return Page(await self.client.get(path, params=query, follow_redirects=True))

    async def send(self, page: Page, action: str | None = None, /, **typed: str | None) -> Page:
        """The form of a page that goes there, with what was typed; None leaves a field out."""
        form = page.form(action or page.path)
        fields = {name: text for name, text in {**form.fields, **typed}.items() if text is not None}
        return await self.post(urljoin(str(page.response.url), form.action), **fields)

    async def post(self, path: str, /, **fields: str) -> Page:
        headers = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        return Page(await self.client.post(path, data=fields, headers=headers, follow_redirects=True))

    async def sign_in(self, email: str, password: str = PASSWORD) -> Page:
        return await self.send(await self.open("/sign-in"), email=email, password=password)


async def make_user(redis: Redis, email: str, team: str | None = "shop", role: Role = Role.MEMBER) -> int:
    """A user with the password; the first of a team owns it."""
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    stored = await passwords.hashed(PASSWORD)
    return await users.create(redis, email=email, password=stored, team=team, role=role)


async def enter(browser: Browser, redis: Redis, user: int) -> Page:
    """Sign in by a link, which costs no hashing."""
    code = await links.make(redis, Purpose.SIGN_IN, user)
    return await browser.post(links.address_of("", Purpose.SIGN_IN, code))


def token_of(page: Page) -> str:
    """The token that a page shows."""
    found = [word for word in page.text.split() if word.startswith("rc_")]
    assert found, page.text
    return found[0]
