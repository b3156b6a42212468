"""An owner who is logged in at a simulated Amazon, and the skill's module at work on it."""

from __future__ import annotations

import contextlib
import functools
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance import aws_cloud
from boto3.session import Session
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.deploy import private_file
from simulators.amazon.aws import ACCESS_KEY, Aws
from simulators.amazon.lwa import Lwa
from simulators.amazon.smapi import Smapi

Run = Callable[..., dict[str, Any]]

CLIENT = lwa.Client("amzn1.application-oa2-client.0123456789abcdef0123456789abcdef", "s3cret-of-the-security-profile")
OWNER = "amzn1.account.AHOME0000000000000000OWNER"
ARNS = {
    "NA": "arn:aws:lambda:us-east-1:123456789012:function:alexa-ip-cam:live",
    "EU": "arn:aws:lambda:eu-west-1:123456789012:function:alexa-ip-cam:live",
}


def manifest(*locales: str, name: str = "My Cameras", site: str = "cams.example.com") -> dict[str, Any]:
    texts = {
        "name": name,
        "summary": "s",
        "description": "d",
        "examplePhrases": ["Alexa, show the porch"],
        "keywords": [],
    }
    return {
        "manifestVersion": "1.0",
        "apis": {"smartHome": {"protocolVersion": "3"}},
        "publishingInformation": {
            "category": "SMART_HOME",
            "testingInstructions": f"Made for {site}",
            "locales": dict.fromkeys(locales or ("en-US",), texts),
        },
        "privacyAndCompliance": {
            "allowsPurchases": False,
            "usesPersonalInfo": True,
            "isChildDirected": False,
            "isExportCompliant": True,
            "containsAds": False,
        },
    }


@pytest.fixture
def login() -> Iterator[Lwa]:
    with Lwa() as lwa_server:
        lwa_server.add_client(*CLIENT)
        yield lwa_server


@pytest.fixture
def amazon(login: Lwa) -> Iterator[Smapi]:
    """Lets every skill call every function, until a test says otherwise."""
    with Smapi(login, lambda arn, skill_id: bool(arn and skill_id), build_seconds=0.05) as smapi:
        yield smapi


@pytest.fixture
def folder(tmp_path: Path, login: Lwa) -> Path:
    """The inventory's directory, with a log-in."""
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    tokens = lwa.exchange_code(
        login.new_code(CLIENT.client_id, OWNER, redirect_uri="http://127.0.0.1:9090/cb"),
        CLIENT,
        redirect_uri="http://127.0.0.1:9090/cb",
        url=login.url,
    )
    kept = {**CLIENT._asdict(), "refresh_token": tokens.refresh_token, "user_id": OWNER}
    private_file.write(inventory / private_file.LOGIN, kept)
    return inventory


class SkillBench:
    """The module ``alexa_skill``, and what it leaves."""

    def __init__(self, run_module: Run, folder: Path, login: Lwa, amazon: Smapi) -> None:
        self._run, self.folder, self.login, self.amazon = run_module, folder, login, amazon
        self.skill_file = folder / private_file.SKILL

    def __call__(self, *locales: str, check: bool = False, **changed: Any) -> dict[str, Any]:
        arguments = {
            "login_file": str(self.folder / private_file.LOGIN),
            "skill_file": str(self.skill_file),
            "manifest": manifest(*locales),
            "endpoints": {"NA": ARNS["NA"]},
            "patience": 5,
            "pause": 0.01,
            "smapi_url": self.amazon.url,
            "lwa_url": self.login.url,
            **changed,
        }
        return self._run("alexa_skill", arguments, check=check)

    def kept(self) -> dict[str, Any]:
        if self.skill_file.exists():
            assert stat.S_IMODE(self.skill_file.stat().st_mode) == 0o600
        return private_file.read(self.skill_file)


@pytest.fixture
def skill(run_module: Run, folder: Path, login: Lwa, amazon: Smapi) -> SkillBench:
    return SkillBench(run_module, folder, login, amazon)


@pytest.fixture(scope="session")
def aws_server() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture
def aws(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """An empty account; this machine has credentials for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS_KEY[1])
    # boto3 reads a megabyte of descriptions for each new session.
    monkeypatch.setattr(aws_cloud, "Session", functools.cache(Session))
    aws_server.reset()
    return aws_server


class Interference:
    """Refuses one call to AWS, or ends the process once it was carried out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._calls: list[str] = []
        self._at, self._refuse = -1, False
        original = BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: Any) -> Any:
            number = len(self._calls)
            self._calls.append(operation)
            if number == self._at and self._refuse:
                error = {"Code": "AccessDeniedException", "Message": "Told\nto."}
                raise ClientError({"Error": error}, operation)
            try:
                return original(client, operation, parameters)
            finally:
                if number == self._at:
                    raise KeyboardInterrupt

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def calls_of(self, work: Callable[[], Any]) -> list[str]:
        """The operations that some work calls, in order."""
        self._calls.clear()
        work()
        return list(self._calls)

    @contextlib.contextmanager
    def refusing(self, at: int) -> Iterator[None]:
        """Let the call of that number be refused."""
        with self._armed(at, refuse=True):
            yield

    @contextlib.contextmanager
    def dying_after(self, at: int) -> Iterator[None]:
        """Let the call of that number be the last."""
        with self._armed(at, refuse=False):
            yield

    @contextlib.contextmanager
    def _armed(self, at: int, *, refuse: bool) -> Iterator[None]:
        self._calls.clear()
        self._at, self._refuse = at, refuse
        try:
            yield
        finally:
            self._at = -1


@pytest.fixture
def interference(monkeypatch: pytest.MonkeyPatch) -> Interference:
    return Interference(monkeypatch)
