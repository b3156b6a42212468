"""The deployed function, asked by the self-check as the appliance does: moto's AWS runs the very zip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.care import cloud, skill
from alexa_ip_cam.care.cloud import Access
from alexa_ip_cam.lambda_zip import build
from alexa_ip_cam.self_check import QUESTION
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws
from simulators.amazon.lwa import TOKEN_INFO, Lwa, Reply
from unit.skill import family

NAME, SITE = "alexa-ip-cam", "cams.example.com"


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture(scope="module")
def lwa() -> Iterator[Lwa]:
    with family.login() as server:
        yield server


@pytest.fixture(scope="module")
def access(aws: Aws, lwa: Lwa, tmp_path_factory: pytest.TempPathFactory) -> Access:
    archive = tmp_path_factory.mktemp("function") / "function.zip"
    build(family.document_for(lwa, family.inventory()), archive)
    role = aws.client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    deploy(aws, NAME, archive, role)
    return Access(NAME, REGION, SITE, *ACCESS_KEY, regions=(REGION,), endpoint_url=aws.url)


def deploy(aws: Aws, name: str, archive: Path, role: str) -> None:
    function = aws.client("lambda")
    made = function.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": archive.read_bytes()},
        Publish=True,
    )
    function.create_alias(FunctionName=name, Name=cloud.ALIAS, FunctionVersion=made["Version"])


def ask(access: Access, site: str = SITE) -> cloud.Answer:
    return cloud.ask(access, REGION, {QUESTION: {"site": site, "nonce": "once"}})


def test_it_answers_with_the_marks_of_its_site(access: Access) -> None:
    answer = ask(access)
    assert skill.function(REGION, SITE, answer).key == ""
    content: Any = answer.content
    assert sorted(content[QUESTION]["keys"]) == ["clips", "media", "streams"]


def test_it_does_not_know_another_site(access: Access) -> None:
    assert skill.function(REGION, "else.example.com", ask(access, "else.example.com")).key == "function-other-site"


def test_a_strangers_directive_is_refused_by_what_amazon_says(access: Access, lwa: Lwa) -> None:
    def told() -> str:
        return skill.directive(REGION, cloud.ask(access, REGION, skill.stranger("once"))).key

    assert told() == ""
    lwa.fail(TOKEN_INFO, Reply(500))
    assert told() == "directive-unverified"


def test_throttled_missing_and_unreachable_are_told_apart(access: Access, aws: Aws) -> None:
    function = aws.client("lambda")
    function.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=0)
    assert skill.function(REGION, SITE, ask(access)).key == "function-throttled"
    function.delete_function_concurrency(FunctionName=NAME)
    assert skill.function(REGION, SITE, ask(access)).key == ""
    assert skill.function(REGION, SITE, ask(access._replace(table="gone"))).key == "function-missing"
    unreachable = ask(access._replace(endpoint_url="http://127.0.0.1:9"))
    assert skill.function(REGION, SITE, unreachable).key == "function-unreachable"


def test_a_function_that_fails_is_told(access: Access) -> None:
    """A directive of Alexa's that nobody could answer is not what it fails at; one that is not even asked is."""
    answer = cloud.ask(access, REGION, json.loads('{"directive": {}}'))
    assert skill.function(REGION, SITE, answer).key == "function-old"
