import pytest

from services.worker.circuits import (
    FAILURES,
    FIRST_SECONDS,
    LONGEST_SECONDS,
    MOST_HOSTS,
    PROBE_SECONDS,
    Circuits,
    is_silent,
)
from services.worker.http.exchange import unsent
from shared.schemas.runs import FailureReason, FailureStage
from shared.security.destinations import Origin

HOST, OTHER = (1, Origin("http", "a.example", 80)), (1, Origin("http", "b.example", 80))


def silent(failures: int, now: float = 0.0) -> Circuits:
    hosts = Circuits()
    for _ in range(failures):
        hosts.note(HOST, now, silent=True)
    return hosts


def test_a_host_may_fail_a_few_times() -> None:
    assert silent(FAILURES - 1).wait_of(HOST, 0.0) == 0.0


def test_after_too_many_failures_in_a_row_it_rests() -> None:
    hosts = silent(FAILURES)

    assert hosts.wait_of(HOST, 1.0) == FIRST_SECONDS - 1.0
    assert hosts.wait_of(OTHER, 1.0) == hosts.wait_of((2, HOST[1]), 1.0) == 0.0
    assert hosts.failures_of(HOST) == FAILURES


def test_an_answer_in_between_begins_the_count_anew() -> None:
    hosts = silent(FAILURES - 1)
    hosts.note(HOST, 0.0, silent=False)

    hosts.note(HOST, 0.0, silent=True)

    assert hosts.wait_of(HOST, 0.0) == 0.0


def test_after_the_rest_one_probes_and_the_others_wait() -> None:
    hosts = silent(FAILURES)

    waits = [hosts.wait_of(HOST, FIRST_SECONDS) for _ in range(3)]

    assert waits == [0.0, FIRST_SECONDS, FIRST_SECONDS]


def test_a_probe_that_is_answered_lets_everybody_in() -> None:
    hosts = silent(FAILURES)
    hosts.wait_of(HOST, FIRST_SECONDS)

    hosts.note(HOST, FIRST_SECONDS, silent=False)

    assert [hosts.wait_of(HOST, FIRST_SECONDS) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_each_rest_is_twice_as_long_up_to_a_minute() -> None:
    hosts, now, rests = silent(FAILURES), 0.0, []

    for _ in range(6):
        rests.append(hosts.wait_of(HOST, now))
        now += rests[-1]
        assert hosts.wait_of(HOST, now) == 0.0
        hosts.note(HOST, now, silent=True)

    assert rests == [FIRST_SECONDS, 10.0, 20.0, 40.0, LONGEST_SECONDS, LONGEST_SECONDS]


def test_requests_that_were_under_way_make_the_rest_no_longer() -> None:
    hosts = silent(FAILURES + 50)

    assert hosts.wait_of(HOST, 0.0) == FIRST_SECONDS


def test_a_probe_that_is_never_heard_of_is_not_waited_for() -> None:
    hosts = silent(FAILURES)
    hosts.wait_of(HOST, FIRST_SECONDS)

    assert hosts.wait_of(HOST, FIRST_SECONDS + PROBE_SECONDS) == 0.0


def test_a_probe_that_was_given_up_is_another_ones() -> None:
    hosts = silent(FAILURES)
    hosts.wait_of(HOST, FIRST_SECONDS)

    hosts.give_up(HOST)

    assert hosts.wait_of(HOST, FIRST_SECONDS) == 0.0


def test_only_so_many_hosts_are_remembered() -> None:
    hosts = silent(FAILURES)

    for number in range(MOST_HOSTS):
        hosts.note((1, Origin("http", f"{number}.example", 80)), 0.0, silent=True)

    assert hosts.failures_of(HOST) == 0
    assert hosts.failures_of((1, Origin("http", f"{MOST_HOSTS - 1}.example", 80))) == 1


@pytest.mark.parametrize("stage", [*FailureStage, None])
def test_only_a_host_of_which_nothing_came_back_is_silent(stage: FailureStage | None) -> None:
    exchange = unsent(FailureReason.CONNECTION_ERROR, "…", 0)._replace(failure_stage=stage)

    assert is_silent(exchange) is (stage in {"lookup", "connect", "tls", "request"})


def test_a_host_whose_certificate_is_refused_has_answered() -> None:
    exchange = unsent(FailureReason.SSL_ERROR, "…", 0)._replace(failure_stage=FailureStage.TLS)

    assert not is_silent(exchange)
