"""The image holds what the lock and the packages say, and runs as nobody."""

import fnmatch

from tests.deploy.documents import DEPLOY, ROOT

INSTRUCTIONS = [
    line.split(maxsplit=1) for line in (DEPLOY / "Dockerfile").read_text().splitlines() if line[:1].isupper()
]


def told(instruction: str) -> list[str]:
    return [rest for word, rest in INSTRUCTIONS if word == instruction]


def test_it_runs_as_a_user_that_is_a_number_and_not_root() -> None:
    user, group = told("USER")[-1].split(":")

    assert int(user) > 0
    assert int(group) > 0


def test_a_signal_reaches_the_service_itself() -> None:
    assert told("ENTRYPOINT") == ['["recuro"]']


def test_nothing_is_installed_without_a_hash_or_from_an_index_after_the_lock() -> None:
    installs = [rest for rest in told("RUN") if " install " in rest]

    assert ["--require-hashes" in rest or "--no-index" in rest for rest in installs] == [True, True]


def test_all_stages_start_from_the_base_that_the_caller_may_choose() -> None:
    assert {rest.split()[0] for rest in told("FROM")} == {"${BASE}"}


def test_what_it_copies_exists_and_is_let_through() -> None:
    copied = {name for rest in told("COPY") if not rest.startswith("--from") for name in rest.split()[:-1]}
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"]

    assert copied == set(let_through)
    assert all((ROOT / name).exists() for name in copied)


def test_the_working_copy_stays_out_of_the_build() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in ("#", "!")]

    assert any(fnmatch.fnmatch(".recuro", rule) for rule in rules)
