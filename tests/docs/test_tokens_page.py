"""docs/tokens.md: its fields are those of the models; its table of operations is that of tests/api/accounts/test_permissions.py."""

from shared.schemas.accounts.tokens import Token, TokenCreate, TokenLimits
from tests.docs.pages import DOCS, code, tables

PAGE = (DOCS / "tokens.md").read_text()
TABLES = {table.heading: table.rows for table in tables("tokens.md")}


def test_the_page_has_all_fields_that_a_token_is_given() -> None:
    told = [name for row in TABLES["What it may do"] for name in code(row["Field"])]

    assert sorted(told) == sorted(TokenCreate.model_fields)


def test_the_page_names_all_that_a_token_shows_beside() -> None:
    beside = PAGE.partition("What a token shows beside: ")[2].partition("\n\n")[0]

    shown = set(Token.model_fields) - set(TokenCreate.model_fields)
    assert shown <= set(code(beside))


def test_every_limit_has_its_column_or_holds_for_every_call() -> None:
    (heading,) = [name for name in TABLES if name.startswith("What each operation needs")]
    columns = {name for column in TABLES[heading][0] for name in code(column)}

    limited = set(TokenLimits.model_fields) - {"runs_per_hour", "runs_per_day"}
    assert limited - columns == {"calls_per_hour", "calls_per_day", "expires_at"}
    assert "runs_per_…" in columns
