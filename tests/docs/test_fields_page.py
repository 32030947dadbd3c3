"""The tables of docs/fields.md, compared with the code in both directions, in the code's own order."""

import re
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import to_json

from shared.schedule.policy import MisfirePolicy
from shared.schemas.accounts.invitations import Invitation
from shared.schemas.accounts.makers import Maker
from shared.schemas.accounts.members import Member
from shared.schemas.accounts.teams import Team
from shared.schemas.accounts.users import Role
from shared.schemas.alerts import Alert, Alertable, AlertFacts, AlertNotice, AlertType
from shared.schemas.bulk.results import BulkProgress, BulkReason, BulkState
from shared.schemas.crons import Cron, CronMode, Execution, ExecutionStatus, RecentExecution, SkipReason
from shared.schemas.dead_letters import Replay, ReplayPlan, ReplayReason, ReplayState
from shared.schemas.jobs import FinalStatus, Job, JobStatus
from shared.schemas.notices import NoticeStatus
from shared.schemas.queues import Queue, QueueCounts, QueueSettings
from shared.schemas.reports.backfills import Backfill, BackfillStatus
from shared.schemas.reports.hosts import Host, RestReason
from shared.schemas.reports.problems import Problem, ProblemState
from shared.schemas.runs import ConnectionUse, FailureReason, FailureStage, Phases, Run
from shared.schemas.timing import OverlapPolicy
from shared.schemas.why import Verdict

PAGE = (Path(__file__).parents[2] / "docs" / "fields.md").read_text()
TABLES: dict[str, type[Any]] = {
    "Job": Job,
    "Status of a job": JobStatus,
    "Final status of a job": FinalStatus,
    "Run": Run,
    "Phases": Phases,
    "Connection": ConnectionUse,
    "Failure stage": FailureStage,
    "Failure reason": FailureReason,
    "Cron": Cron,
    "Recent execution": RecentExecution,
    "Mode of a cron": CronMode,
    "Misfire policy": MisfirePolicy,
    "Overlap policy": OverlapPolicy,
    "Execution": Execution,
    "Status of an execution": ExecutionStatus,
    "Skip reason": SkipReason,
    "Verdict of why": Verdict,
    "Host": Host,
    "Rest reason": RestReason,
    "Queue": Queue,
    "Counts of a queue": QueueCounts,
    "Maker": Maker,
    "Replay": Replay,
    "State of a replay": ReplayState,
    "Reason of a replay": ReplayReason,
    "Plan of a replay": ReplayPlan,
    "Backfill": Backfill,
    "Status of a backfill": BackfillStatus,
    "Change of many": BulkProgress,
    "State of a change of many": BulkState,
    "Reason of a change of many": BulkReason,
    "Problem": Problem,
    "State of a problem": ProblemState,
    "Alert": Alert,
    "Data of an alert": AlertFacts,
    "Delivery of an alert": AlertNotice,
    "Type of an alert": AlertType,
    "Alertable type": Alertable,
    "Status of a notice": NoticeStatus,
    "Team": Team,
    "Member": Member,
    "Role": Role,
    "Invitation": Invitation,
}
SECTIONS = {heading: text for heading, text in re.findall(r"^##+ (.+)\n((?:(?!##).*\n)*)", PAGE, re.M)}


def _known(of: Any) -> list[str]:
    if is_dataclass(of):
        return [field.name for field in fields(of)]
    return [*of.model_fields] if issubclass(of, BaseModel) else [str(value.value) for value in of]


def rows(heading: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \| \S", SECTIONS[heading], re.M)


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_has_all_that_the_code_has_and_nothing_else(heading: str) -> None:
    of = TABLES[heading]

    assert rows(heading) == _known(of)


@pytest.mark.parametrize("name", QueueSettings.model_fields)
def test_a_setting_of_a_queue_stands_with_its_default(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| (.*) \|$", SECTIONS["Queue"], re.M)

    default = to_json(QueueSettings.model_fields[name].get_default(call_default_factory=True)).decode()
    assert row.endswith(f"(`{default}`)")


def test_every_table_of_the_page_is_held_against_the_code() -> None:
    assert list(SECTIONS) == list(TABLES)
    assert PAGE.count("\n| `") == sum(len(rows(heading)) for heading in TABLES)


def test_links_within_the_page_lead_to_its_headings() -> None:
    anchors = {heading.lower().replace(" ", "-") for heading in SECTIONS}

    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) - anchors == set()
    assert "### Failure reason" in PAGE


@pytest.mark.parametrize(
    ("model", "named"), [(Job, JobStatus), (Execution, ExecutionStatus), (AlertNotice, NoticeStatus)]
)
def test_a_status_is_one_of_its_table(model: type[BaseModel], named: type[StrEnum]) -> None:
    assert model.model_fields["status"].annotation is named
