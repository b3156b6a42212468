"""20 000 events that Alexa would never send: each gets a well-formed answer, and no secret reaches the log.

Noise of any shape, and real directives of every kind with one to three places spoiled.
"""

import contextlib
import copy
import io
import json
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from alexa_ip_cam.alexa.store import Sample
from alexa_ip_cam.lambda_zip import build
from alexa_ip_cam.media_id import Media, media_id
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import parse_settings
from simulators.amazon import judge
from simulators.amazon.alexa import Alexa
from simulators.amazon.aws import Aws
from simulators.amazon.lambda_runtime import LambdaRuntime
from simulators.amazon.lwa import Lwa
from unit.skill import family
from unit.skill.test_media import START

FORMS: dict[tuple[str, str], Callable[[Any], None]] = {
    ("Alexa.Discovery", "Discover.Response"): judge.discover_response,
    ("Alexa.CameraStreamController", "Response"): judge.camera_streams_response,
    ("Alexa", "StateReport"): judge.state_report,
    ("Alexa.SmartVision.SnapshotProvider", "Response"): judge.snapshot_response,
    ("Alexa.MediaMetadata", "GetMediaMetadata.Response"): judge.media_response,
    ("Alexa.Authorization", "AcceptGrant.Response"): judge.accept_grant_response,
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[]), max_size=8)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SIGNED = re.compile(r"[?&]s=[0-9a-f]{40}|/[0-9]{10}-[0-9a-f]{32}")
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def many(examples: int) -> effort:
    # A failure is as good unshrunk, and what it takes to find one is spent on more events.
    return effort(
        max_examples=examples, suppress_health_check=CHECKS, deadline=None, database=None, phases=[Phase.generate]
    )


class Bench:
    """A skill with a store behind it, the directives that an owner's Alexa sends it, and everything that is secret."""

    def __init__(self, lwa: Lwa, aws: Aws) -> None:
        self.document = family.document_for(lwa, family.inventory(), family.neighbours())
        store = family.with_store(self.document, aws, f"table-{secrets.token_hex(6)}")
        store.put_state("den", "connectivity", Sample("OK", START))
        settings = parse_settings(self.document)
        self.skill = Skill(settings)
        alexa = self.alexa = Alexa(lambda _: {}, lwa.new_bearer(family.LINKING, family.OWNER))
        site = settings.sites[0]
        recording = media_id(site.media_key, Media("den", START, timedelta(seconds=5), "motion"))
        self.code = lwa.new_code(family.MESSAGING.client_id, family.OWNER)
        wish = {
            "protocol": "RTSP",
            "resolution": {"width": 1280, "height": 720},
            "authorizationType": "NONE",
            "videoCodec": "H264",
            "audioCodec": "NONE",
        }
        den, snapshots = "cams_example_com:den", "Alexa.SmartVision.SnapshotProvider"
        discovery = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": "m-1"}
        scope = {"type": "BearerToken", "token": alexa.token}
        self.directives = [
            {"directive": {"header": discovery, "payload": {"scope": scope}}},
            alexa.stream_directive(den, [{**wish, "protocol": "WEBRTC"}, wish]),
            alexa.directive("Alexa", "ReportState", den),
            alexa.directive(snapshots, "GetSnapshot", den, {"preferOnDemandSnapshot": True}, version="1.1"),
            alexa.media_directive([recording, "x"]),
            alexa.grant_directive(self.code),
            alexa.directive("Alexa.PowerController", "TurnOn", den),
        ]
        self.parts = [alexa.token, self.code, den, recording, "cams_example_net:den", "Alexa", "1.1", "RTSP", "x" * 300]
        keys = (site.stream_key.hex(), site.media_key.hex(), site.snapshot_key, site.clip_key)
        self.secrets = (alexa.token, self.code, "Atza|", "Atzr|", family.MESSAGING.client_secret, *keys)

    def judge(self, event: Any, reply: Any, log: str) -> None:
        text = json.dumps(reply, ensure_ascii=False)
        text.encode()  # as the runtime client of Python 3.12 and later does
        if self.alexa.token not in json.dumps(event):
            assert not SIGNED.search(text)
        if judge.is_error_response(reply):
            judge.refusal_form(event)(reply)
            assert reply["event"]["payload"]["type"] != "INTERNAL_ERROR"
        else:
            header = reply["event"]["header"]
            FORMS[header["namespace"], header["name"]](reply)
            judge.repeats(reply, _with_readable_token(event))
        assert not [secret for secret in self.secrets if secret in log]
        assert not SIGNED.search(log)


def _with_readable_token(event: Any) -> Any:
    """The event as it is answered: a correlation token that cannot be written is left out."""
    seen = copy.deepcopy(event)
    token = seen["directive"]["header"].get("correlationToken")
    if not isinstance(token, str) or not token or not token.isprintable():
        seen["directive"]["header"].pop("correlationToken", None)
    seen["directive"]["header"].setdefault("messageId", None)
    return seen


@pytest.fixture(scope="module")
def bench(lwa: Lwa, aws: Aws) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as change:
        family.let_run(change)
        yield Bench(lwa, aws)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


Spoiling = tuple[int, str, Any]
SPOILINGS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["replace", "remove", "add", "part", "twice"]), SCALARS | JSON),
    min_size=1,
    max_size=3,
)


def spoil(event: Any, spoilings: list[Spoiling], parts: list[Any]) -> Any:
    """The event with something else in some of its places."""
    event = copy.deepcopy(event)
    for number, how, value in spoilings:
        everywhere = list(places(event))
        path = everywhere[number % len(everywhere)]
        if not path:
            continue
        parent = event
        for key in path[:-1]:
            parent = parent[key]
        if how == "remove":
            del parent[path[-1]]
        elif how == "add" and isinstance(parent[path[-1]], dict):
            parent[path[-1]]["surprise"] = value
        elif how == "twice":
            parent[path[-1]] = [parent[path[-1]], parent[path[-1]]]
        else:
            parent[path[-1]] = parts[number % len(parts)] if how == "part" else value
    return event


def answered(bench: Bench, event: Any) -> None:
    before = copy.deepcopy(event)
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        reply = bench.skill.answer(event, "request-1")
    assert event == before
    bench.judge(event, reply, log.getvalue())


def test_what_is_not_spoiled_is_answered(bench: Bench) -> None:
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        replies = [bench.skill.answer(event, "request-1") for event in bench.directives]
    outcomes = [json.loads(line)["outcome"] for line in log.getvalue().splitlines()]
    assert outcomes == ["ok"] * 6 + ["INVALID_DIRECTIVE"]
    for event, reply in zip(bench.directives, replies, strict=True):
        bench.judge(event, reply, log.getvalue())


@many(2_000)
@given(JSON)
def test_noise(bench: Bench, event: Any) -> None:
    answered(bench, event)


@many(2_000)
@given(st.fixed_dictionaries({"directive": st.fixed_dictionaries({"header": JSON, "payload": JSON, "endpoint": JSON})}))
def test_noise_in_the_right_places(bench: Bench, event: Any) -> None:
    answered(bench, event)


@many(2_000)
@given(st.lists(st.tuples(st.integers(0, 6), SPOILINGS), min_size=8, max_size=8))
def test_spoiled_directives(bench: Bench, batch: list[tuple[int, list[Spoiling]]]) -> None:
    for number, spoilings in batch:
        answered(bench, spoil(bench.directives[number], spoilings, bench.parts))


def test_spoiled_directives_pass_through_the_runtime(bench: Bench, tmp_path: Path) -> None:
    build(bench.document, tmp_path / "skill.zip")
    with LambdaRuntime(tmp_path / "skill.zip") as function:

        @many(30)
        @given(st.lists(st.tuples(st.integers(0, 6), SPOILINGS), min_size=8, max_size=8))
        def send(batch: list[tuple[int, list[Spoiling]]]) -> None:
            for number, spoilings in batch:
                event = spoil(bench.directives[number], spoilings, bench.parts)
                event = json.loads(json.dumps(event))
                bench.judge(event, function.invoke(event), "")

        send()
    assert not [secret for secret in bench.secrets if secret in function.logs]
    assert not SIGNED.search(function.logs)
