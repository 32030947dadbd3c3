"""What the rules of a request's owner name is taken out of it and of its answer before either is kept."""

import re
from collections.abc import Iterator
from functools import partial

from services.worker import masking
from services.worker.http.exchange import Exchange
from services.worker.http.heads import Headers
from services.worker.http.outgoing import Outgoing
from services.worker.masking import LEAST
from shared.basics import redaction
from shared.basics.redaction import REDACTED, Rules, rules_of
from shared.schemas.runs import FailureReason

MOST_VALUES = 200
"""That are looked for wherever else an answer has them; of an answer to more, no text is kept."""
MOST_NESTED = 4
"""So deep JSON is looked into that is a text in JSON."""

_MAY_BE_JSON = re.compile(r'\s*[\[{"]')


def redacted(exchange: Exchange) -> Exchange:
    """The exchange as it may be kept, with a request as it may be shown; the same one without rules."""
    sent = exchange.sent
    if sent is None or not sent.redact:
        return exchange
    rules, found = rules_of(sent.redact), list[str]()
    shown = _request(sent, rules, found)
    answered = _answer(exchange, rules, found)
    answered = _without_quotes(answered, found) if rules.paths else answered
    return _without_echoes(answered, found)._replace(sent=shown)


def _request(sent: Outgoing, rules: Rules, found: list[str]) -> Outgoing:
    headers = {name: REDACTED if rules.has(name) else value for name, value in sent.headers.items()}
    for name, value in sent.headers.items():
        if rules.has(name):
            found += (value.strip(), *masking.of_header(name.lower(), value.strip()))
    if sent.body is None or not rules.paths:
        return sent._replace(headers=headers)
    body = rules.text(sent.body.decode("utf-8", "replace"), found)
    return sent._replace(headers=headers, body=body.encode())


def _answer(exchange: Exchange, rules: Rules, found: list[str]) -> Exchange:
    """Without what is named in it."""
    found += (value for name, value in exchange.response_headers if rules.has(name))
    body = exchange.response_body
    if body:
        body = rules.text(body, found, is_cut=exchange.response_truncated)
    return exchange._replace(
        response_headers=tuple(_kept(exchange.response_headers, rules)), response_body=body
    )


def _kept(headers: Headers, rules: Rules) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        yield name, REDACTED if rules.has(name) else value


def _without_quotes(exchange: Exchange, found: list[str]) -> Exchange:
    """A sentence about the body may quote what is too short to be looked for, or was not kept to its end."""
    message = exchange.error_message
    if not message or exchange.failure_reason != FailureReason.ASSERTION_FAILED:
        return exchange
    if exchange.response_truncated or any(value in message for value in found if 0 < len(value) < LEAST):
        return exchange._replace(error_message=f"{message.partition(':')[0]}: {REDACTED}.")
    return exchange


def _without_echoes(exchange: Exchange, found: list[str]) -> Exchange:
    """Without the values that were named, wherever else the answer has them and however it spells them."""
    values = tuple(dict.fromkeys(found))
    if len(values) > MOST_VALUES:
        headers = tuple((name, REDACTED) for name, _ in exchange.response_headers)
        message = exchange.error_message and REDACTED
        body = exchange.response_body and REDACTED
        return exchange._replace(response_headers=headers, response_body=body, error_message=message)
    body = exchange.response_body
    if body and values:
        change = partial(_without, values=frozenset(values), spellings=masking.spellings_of(values))
        body = _in_json(body, change, is_cut=exchange.response_truncated)
    return masking.without(exchange._replace(response_body=body), values, REDACTED)


def _without(text: str, nested: int = 0, *, values: frozenset[str], spellings: tuple[str, ...]) -> str:
    """A text of a JSON body; one that is JSON itself is looked into."""
    if text in values and len(text) > 1:
        return REDACTED
    if nested < MOST_NESTED and _MAY_BE_JSON.match(text):
        text = _in_json(text, partial(_without, nested=nested + 1, values=values, spellings=spellings))
    return masking.text_without(text, spellings, REDACTED)


def _in_json(text: str, change: "partial[str]", *, is_cut: bool = False) -> str:
    """The text with each text in its JSON changed; the same one if it is no JSON, or none changes."""
    parsed = redaction.read(text, is_cut=is_cut)
    if parsed is None:
        return text
    changed = redaction.mapped(parsed.value, change)
    return text if changed is parsed.value else redaction.written(changed)
