"""Problems: failures that are alike, and what shall become of them."""

from shared.actions.reports import problems
from shared.operations import Call, Operation
from shared.schemas.base import Page
from shared.schemas.reports.problems import Problem, ProblemQuery, ProblemUpdate

PATH = "/api/problems"
ONE = f"{PATH}/{{problem_id}}"


async def index(call: Call, query: ProblemQuery) -> Page[Problem]:
    return await problems.page(call, query)


async def show(call: Call, problem_id: int) -> Problem:
    return await problems.get(call.redis, call.team, problem_id)


async def update(call: Call, problem_id: int, change: ProblemUpdate) -> Problem:
    return await problems.update(call, problem_id, change)


OPERATIONS = (
    Operation(
        "list-problems",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Problem]},
        query=ProblemQuery,
        summary="List problems, the last seen first",
    ),
    Operation(
        "get-problem",
        "GET",
        ONE,
        "read",
        show,
        {200: Problem},
        summary="Get a problem: what fails alike, how often, and since when",
    ),
    Operation(
        "update-problem",
        "PATCH",
        ONE,
        "write",
        update,
        {200: Problem},
        takes=ProblemUpdate,
        summary="Let a problem be ignored, resolved or open",
        example={"state": "ignored", "until": "2027-01-04T08:00:00Z"},
    ),
)
