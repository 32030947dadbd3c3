"""The table: every odd answer, in the order of the page."""

from tests.answers import chunks, codings, endings, headers, lengths, statuses
from tests.answers.rows import Row

# fmt: off
PARTS: dict[str, tuple[Row, ...]] = {
    "Status lines": statuses.ROWS,
    "Header lines": headers.ROWS,
    "Lengths":      lengths.ROWS,
    "Chunks":       chunks.ROWS,
    "Codings":      codings.ROWS,
    "Endings":      endings.ROWS,
}
# fmt: on
ROWS = tuple(row for rows in PARTS.values() for row in rows)
