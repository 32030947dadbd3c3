"""What failures are alike in: hosts and paths without what differs from one call to the next."""

import pytest

from services.worker.targets import MOST_CHARACTERS, MOST_HOST_CHARACTERS, target_of


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example", "a.example /"),
        ("https://A.Example/Users", "a.example /Users"),
        ("https://a.example:443/users/42", "a.example /users/{id}"),
        ("https://a.example:8443/users/7", "a.example:8443 /users/{id}"),
        ("http://[::1]:99/", "[::1]:99 /"),
        ("https://a.example/a//b/?page=2#end", "a.example /a//b/"),
        ("https://a.example/u/6f1e1b9e-9a0b-4c1d-8e2f-0123456789ab", "a.example /u/{id}"),
        ("https://a.example/u/6F1E1B9E9A0B4C1D8E2F0123456789AB/x", "a.example /u/{id}/x"),
        ("https://a.example/u-6f1e1b9e-9a0b-4c1d-8e2f-0123456789ab.json", "a.example /u-{id}.json"),
        ("https://a.example/reports/2026-11-28/daily", "a.example /reports/{date}/daily"),
        ("https://a.example/reports/2026-11-28T10:00:00Z", "a.example /reports/{date}"),
        ("https://a.example/reports/day-2026-11.csv", "a.example /reports/day-{date}.csv"),
        ("https://a.example/commits/deadbeef01", "a.example /commits/{id}"),
        ("https://a.example/services/T024BE7LD/dQwWqxYhJkLmNoPqRsTuVw12", "a.example /services/{id}/{id}"),
        ("https://a.example/v/dQwWqxYhJkLmNoPqRsTuVw==", "a.example /v/{id}"),
        ("https://a.example/order-123_file42", "a.example /order-{id}_file{id}"),
        ("https://a.example/" + "x" * 65, "a.example /{id}"),
        ("https://a.example/a|b", "a.example /a%7Cb"),
    ],
)
def test_what_differs_from_call_to_call_is_replaced(url: str, target: str) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/users", "/v2.1/users", "/oauth2/token", "/s3/put", "/facade", "/a%20b", "/CLEANUP"),
        *("/GetUserByIdentificationNumber", "/a-long-slug-about-many-things", "/x" * 40),
    ],
)
def test_words_stay_as_they_are(path: str) -> None:
    assert target_of(f"https://a.example{path}") == f"a.example {path}"


def test_it_is_bounded_in_length() -> None:
    host, path = target_of(f"https://{'h' * 500}.example/{'word/' * 200}").split(" ")

    assert (len(host), len(path)) == (MOST_HOST_CHARACTERS, MOST_CHARACTERS)
    assert host[-1] == path[-1] == "…"


@pytest.mark.parametrize("url", ["", "no url", "http://[x", "https://a.example:99999/", "/path"])
def test_what_is_no_url_is_alike(url: str) -> None:
    assert target_of(url) == ""
