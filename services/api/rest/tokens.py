"""Tokens: who may call, and what each may do."""

from shared.actions.accounts import tokens
from shared.operations import Call, Operation
from shared.schemas.accounts.tokens import Token, TokenCreate, TokenCreated, TokenUpdate
from shared.schemas.base import Deleted, Page, PageQuery

PATH = "/api/tokens"
ONE = f"{PATH}/{{token_id}}"


async def create(call: Call, token: TokenCreate) -> TokenCreated:
    return await tokens.create(call, token)


async def index(call: Call, query: PageQuery) -> Page[Token]:
    return await tokens.page(call, query)


async def show(call: Call, token_id: int) -> Token:
    return await tokens.get(call, token_id)


async def update(call: Call, token_id: int, changes: TokenUpdate) -> Token:
    return await tokens.update(call, token_id, changes)


async def delete(call: Call, token_id: int) -> Deleted:
    await tokens.delete(call, token_id)
    return Deleted(id=token_id)


async def regenerate(call: Call, token_id: int) -> TokenCreated:
    return await tokens.regenerate(call, token_id)


OPERATIONS = (
    Operation(
        "list-tokens",
        "GET",
        PATH,
        "admin",
        index,
        {200: Page[Token]},
        query=PageQuery,
        summary="List the tokens of the team, newest first",
    ),
    Operation(
        "create-token",
        "POST",
        PATH,
        "admin",
        create,
        {201: TokenCreated},
        takes=TokenCreate,
        summary="Make a token, which is shown once",
        example={
            "name": "nightly reports",
            "scopes": ["write"],
            "queues": ["reports-*"],
            "hosts": ["*.example.com"],
            "may_delete": False,
            "runs_per_hour": 1000,
        },
    ),
    Operation("get-token", "GET", ONE, "admin", show, {200: Token}, summary="Get a token and its last use"),
    Operation(
        "update-token",
        "PATCH",
        ONE,
        "admin",
        update,
        {200: Token},
        takes=TokenUpdate,
        is_change=True,
        summary="Change some fields of a token",
        example={"calls_per_hour": 600},
    ),
    Operation(
        "delete-token", "DELETE", ONE, "admin", delete, {200: Deleted}, summary="Delete a token: it ends"
    ),
    Operation(
        "regenerate-token",
        "POST",
        f"{ONE}/regenerate",
        "admin",
        regenerate,
        {201: TokenCreated},
        look=ONE,
        summary="Put a new token in the place of one that ends",
    ),
)
