"""Amazon's servers, the settings made from two inventories, and Alexa talking to the skill in this process."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.alexa.store import Store
from alexa_ip_cam.lambda_zip import build
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import Settings, parse_settings
from simulators.amazon.alexa import Alexa
from simulators.amazon.aws import Aws
from simulators.amazon.lwa import Lwa
from unit.skill import family


@pytest.fixture(scope="session")
def lwa() -> Iterator[Lwa]:
    with family.login() as server:
        yield server


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture(autouse=True)
def function_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    family.let_run(monkeypatch)


@pytest.fixture
def inventory() -> dict[str, Any]:
    return family.inventory()


@pytest.fixture
def document(inventory: dict[str, Any], lwa: Lwa) -> dict[str, Any]:
    """The settings in the form of settings.json; there is no store."""
    return family.document_for(lwa, inventory, family.neighbours())


@pytest.fixture
def stored(document: dict[str, Any], aws: Aws) -> Store:
    """Gives `document` a store; as the events service of the owner's home sees it. Ask for it before the skill."""
    return family.with_store(document, aws, f"table-{secrets.token_hex(6)}")


@pytest.fixture
def settings(document: dict[str, Any]) -> Settings:
    return parse_settings(document)


@pytest.fixture
def skill(settings: Settings) -> Skill:
    return Skill(settings)


@pytest.fixture
def alexa(skill: Skill, lwa: Lwa) -> Alexa:
    """Alexa for the owner."""
    return family.talk(skill, lwa.new_bearer(family.LINKING, family.OWNER))


@pytest.fixture
def archive(document: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "skill.zip"
    build(document, path)
    return path
