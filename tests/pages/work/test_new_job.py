"""A job by the form, from nothing or from another one."""

import pytest
from redis.asyncio import Redis

from tests.pages.browser import Browser, Page
from tests.pages.work import filling

NEW = "/t/1/jobs/new"
TYPED = {"queue": "mail", "url": "https://mail.example.com/send", "method": "PUT"}


async def send(browser: Browser, **typed: str) -> Page:
    return await browser.send(await browser.open(NEW), **{**TYPED, **typed})


async def test_a_job_is_made_once_as_it_was_typed(owner: Browser, redis: Redis) -> None:
    form = await owner.open(NEW)
    typed = {
        **TYPED,
        "headers": "X-A: b\r\nAuthorization: Bearer secret",
        "body": '{"total": 49.90}',
        "delay": "60",
    }

    page, again = await owner.send(form, **typed), await owner.send(form, **typed)
    job = await filling.job(redis, 1)

    assert (page.path, again.path) == ("/t/1/jobs/1", "/t/1/jobs/1")
    assert (job.queue, job.method, job.url, job.delay_seconds) == ("mail", "PUT", TYPED["url"], 60)
    assert job.headers == {"X-A": "b", "Authorization": "********"}
    assert job.payload == {"total": 49.9}
    assert "secret" not in page.response.text
    assert job.created_by
    assert job.created_by.kind == "user"


@pytest.mark.parametrize("body", ["[1, 2]", "no json", "12", '{"a":'])
async def test_what_is_no_json_object_is_sent_as_it_is(owner: Browser, redis: Redis, body: str) -> None:
    await send(owner, body=body)

    job = await filling.job(redis, 1)

    assert (job.payload, job.body) == (None, body)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"url": ""}, "http"),
        ({"url": "http://169.254.169.254/"}, "cannot be called"),
        ({"queue": ""}, "must not be empty"),
        ({"headers": "no colon"}, "has a line without a colon"),
        ({"headers": "X-A: 1\r\nX-A: 2"}, "names a header twice: X-A"),
        ({"headers": "Host: x"}, "must not set Host"),
        ({"headers": "Authorization: ********"}, "only stands for a secret"),
        ({"delay": "tomorrow"}, "integer"),
        ({"delay": "90000"}, "86400"),
        ({"timeout_seconds": "0"}, "at least 1"),
        ({"method": "BREW"}, "Method"),
        ({"callback_url": "ftp://x"}, "must start with http"),
        ({"body": '{"n": NaN}'}, "NaN"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    owner: Browser, redis: Redis, typed: dict[str, str], sentence: str
) -> None:
    page = await send(owner, **{"key": "customer-7", **typed})

    (field,) = typed
    assert page.status == 422
    assert f'id="{field}-wrong"' in page.response.text
    assert sentence.lower() in page.text.lower()
    assert page.form(NEW).fields["key"] == "customer-7"
    assert await filling.count(redis) == 0


async def test_another_is_made_from_one_without_its_secrets(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, headers={"Authorization": "Bearer secret", "X-A": "b"}, key="customer-7")

    form = await owner.open(f"{NEW}?copy=1")
    page = await owner.send(form, NEW, url="https://hooks.example.com/other")
    assert page.path == "/t/1/jobs/2", page.text
    job = await filling.job(redis, 2)

    assert "Type Authorization again." in form.text
    assert (job.url, job.headers, job.key) == ("https://hooks.example.com/other", {"X-A": "b"}, "customer-7")
    assert job.payload == {"order": 99121}
