"""Bodies in lines, spans in words, phases as bars and the way of a job: what pages of jobs are made of."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from services.api.pages.work import attempts, bodies, holding, words
from shared.schemas.queues import Queue, QueueCounts, QueueSettings
from shared.schemas.runs import ConnectionUse, FailureReason, Phases, Run

NOON = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)


def text_of(found: bodies.Body | None) -> str:
    assert found
    return "".join(part.text for part in (*found.shown, *found.folded))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":1.50,"a":[]}', '{\n  "a": 1.50,\n  "a": []\n}'),
        ('[{"x":{}},"}\\"{"]', '[\n  {\n    "x": {}\n  },\n  "}\\"{"\n]'),
        ('{"a": nonsense', '{"a": nonsense'),
        ("plain\ntext", "plain\ntext"),
        ("12", "12"),
        ("[" * 9_000, "[" * 9_000),
    ],
)
def test_json_stands_in_lines_as_it_was_written_and_anything_else_as_it_is(text: str, shown: str) -> None:
    assert text_of(bodies.shown(text)) == shown


def test_names_and_texts_are_told_apart() -> None:
    found = bodies.shown('{"a":"b","c":1}')

    assert found
    kinds = [(part.kind, part.text) for part in found.shown if part.kind]
    assert kinds == [("k", '"a"'), ("s", '"b"'), ("k", '"c"')]


def test_a_long_body_is_folded_and_a_huge_one_is_cut() -> None:
    long, huge = bodies.shown(json.dumps(list(range(100)))), bodies.shown("x" * 70_000)

    assert long
    assert huge
    assert (text_of(long).count("\n"), long.is_cut) == (101, False)
    assert "".join(part.text for part in long.shown).count("\n") == bodies.MOST_LINES
    assert (sum(len(part.text) for part in huge.shown), huge.folded_size) == (4_000, 61_536)
    assert (len(text_of(huge)), huge.is_cut) == (bodies.MOST_CHARACTERS, True)
    assert bodies.shown("") is bodies.shown(None) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (12_660, "3 h 31 min"),
        (259_200, "3 days"),
    ],
)
def test_spans_are_said_in_two_units(seconds: int, said: str) -> None:
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(None, ""), (0, "0 ms"), (388, "388 ms"), (1_500, "1.5 s"), (61_000, "1 min 1 s")],
)
def test_what_took_milliseconds_is_said_shortly(milliseconds: int | None, said: str) -> None:
    assert words.took(milliseconds) == said


@pytest.mark.parametrize(
    ("back", "said"), [(60, "11:59:00"), (86_400, "26 Nov 12:00"), (86_400 * 400, "23 Oct 2025")]
)
def test_moments_are_as_exact_as_they_are_near(back: int, said: str) -> None:
    assert words.at(NOON - timedelta(seconds=back), NOON) == said


def test_sizes_and_numbers() -> None:
    said = [words.size(count) for count in (1, 312, 1_500, 2_500_000)]

    assert said == ["1 byte", "312 bytes", "1.5 KB", "2.5 MB"]
    assert [words.plural(count, "job") for count in (0, 1, 1_204)] == ["0 jobs", "1 job", "1,204 jobs"]
    assert words.target("https://a.example:8443/x?y=1#z") == ("a.example:8443", "/x?y=1")
    assert words.target("http://[") == ("", "http://[")


def test_every_reason_has_words() -> None:
    assert set(words.REASONS) == set(FailureReason)


def test_phases_follow_each_other_and_the_longest_is_in_ink() -> None:
    phases = Phases(waited_ms=100, connect_ms=50, sent_ms=0, first_byte_ms=300, body_ms=50)
    found = attempts.fall(
        Run(phases=phases, duration_ms=400, address="203.0.113.24", connection=ConnectionUse.KEPT)
    )

    assert found
    bars = [(bar.name, bar.mark, bar.start, bar.width) for bar in found.bars]
    assert bars == [
        ("Waited in queue", "m-soft", 0, 20),
        ("Connected", "m-run", 20, 10),
        ("Sent", "m-run", 30, 0.5),
        ("First byte", "m-ink", 30, 60),
        ("Body", "m-run", 90, 10),
    ]
    assert found.sentence == (
        "The target took 300 ms of 400 ms. It was connected to 203.0.113.24 by a connection that was kept."
    )
    assert attempts.fall(Run()) is attempts.fall(None) is None


def queue(pending: int, processing: int = 0, **fields: object) -> Queue:
    counts = QueueCounts(
        pending=pending, processing=processing, completed=0, failed=0, retrying=0, dead_lettered=0
    )
    made = {"id": 1, "name": "mail", "created_at": NOON, "created_by": None, "counts": counts}
    return Queue.model_validate({**QueueSettings().model_dump(), **made, **fields})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (queue(0), "Nothing waits."),
        (queue(1, is_active=False), "It is paused. 1 job waits."),
        (queue(9, 4, max_parallelism=4), "4 of 4 are in flight: the next starts when one ends."),
        (queue(9, 1, rate_limit={"count": 3, "per_seconds": 10}), "Starts are limited to 3 in any 10 s."),
        (queue(9, 1, key_max_parallelism=1), "Jobs of one key wait for each other."),
        (queue(9, 1), "What waits is due later, or starts when a worker has room."),
    ],
)
def test_what_holds_a_queue_back_is_one_sentence(found: Queue, said: str) -> None:
    assert holding.sentence(found) == said
