"""docs/deploy.md speaks of what is there."""

import re

from shared.settings import Settings
from shared.version import VERSION
from tests.deploy.documents import ROOT

TEXT = (ROOT / "docs" / "deploy.md").read_text()
SETTINGS = {f"RECURO_{name.upper()}" for name in Settings.model_fields}


def test_every_path_it_names_exists() -> None:
    named = set(re.findall(r"(?<!to/)\bdeploy/[\w./-]*\w", TEXT))

    assert "deploy/compose.yaml" in named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_variable_it_names_is_a_setting_or_the_image() -> None:
    named = set(re.findall(r"RECURO_[A-Z_]+", TEXT))

    assert named <= SETTINGS | {"RECURO_IMAGE"}


def test_it_names_every_variable_that_compose_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "deploy" / "compose.yaml").read_text()))

    assert asked <= set(re.findall(r"RECURO_[A-Z_]+", TEXT))


def test_its_versions_are_this_one() -> None:
    assert set(re.findall(r"(?:recuro:|newTag: )([\d.]+)", TEXT)) == {VERSION}
