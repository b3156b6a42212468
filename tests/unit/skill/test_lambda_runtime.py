"""The very zip that would be deployed, run by the real Lambda runtime client."""

import json
import os
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.alexa.store import Sample, Store
from alexa_ip_cam.lambda_zip import build
from alexa_ip_cam.media_id import Media, media_id
from simulators.amazon.alexa import Alexa, RefusedError
from simulators.amazon.judge import camera_streams_response
from simulators.amazon.lambda_runtime import LambdaError, LambdaRuntime
from simulators.amazon.lwa import Lwa
from unit.skill.family import LINKING, MESSAGING, OWNER

RECORDING = Media("den", datetime(2026, 11, 22, 10, tzinfo=UTC), timedelta(seconds=9), "motion")
MakeZip = Callable[[str], Path]


@pytest.fixture
def bearer(lwa: Lwa) -> str:
    return lwa.new_bearer(LINKING, OWNER)


@pytest.fixture
def make_zip(tmp_path: Path) -> MakeZip:
    """A zip whose handler module is the source given."""

    def make(source: str) -> Path:
        path = tmp_path / "function.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("handler.py", source)
        return path

    return make


def test_the_deployed_zip_shows_every_camera(archive: Path, bearer: str) -> None:
    with LambdaRuntime(archive) as function:
        alexa = Alexa(function.invoke, bearer)
        streams = [alexa.show(endpoint) for endpoint in alexa.discover()]
    assert [stream.uri.split("/")[3] for stream in streams] == ["front-porch", "back-yard", "den"]


def test_the_deployed_zip_does_all_that_alexa_asks(
    document: dict[str, Any], stored: Store, lwa: Lwa, bearer: str, tmp_path: Path
) -> None:
    build(document, tmp_path / "skill.zip")
    stored.put_state("den", "connectivity", Sample("OK", datetime.now(UTC)))
    recording = media_id(bytes.fromhex(document["sites"][0]["media_key"]), RECORDING)
    code = lwa.new_code(MESSAGING.client_id, OWNER)
    with LambdaRuntime(tmp_path / "skill.zip") as function:
        alexa = Alexa(function.invoke, bearer)
        alexa.accept_grant(code)
        den = alexa.find("the den")
        assert alexa.report_state(den).connectivity == "OK"
        assert alexa.snapshot(den).uri.startswith("https://clips.example.com/snapshots/den.jpg?")
        ((told,), problems) = alexa.media([recording, "another"])
    assert (told.media_id, problems) == (recording, {"another": "NOT_FOUND"})
    grant = stored.grant()
    assert grant is not None
    assert lwa.is_valid_access(grant.tokens.access_token)
    for secret in (
        bearer,
        code,
        grant.tokens.access_token,
        grant.tokens.refresh_token,
        MESSAGING.client_secret,
        told.uri,
    ):
        assert secret not in function.logs


def test_the_log_has_one_line_for_each_directive_and_no_token(archive: Path, bearer: str) -> None:
    with LambdaRuntime(archive) as function:
        alexa = Alexa(function.invoke, bearer)
        alexa.show(alexa.find("front porch"))
    entries = [json.loads(line) for line in function.logs.splitlines()]
    assert [entry["outcome"] for entry in entries] == ["ok", "ok"]
    assert len({entry["request_id"] for entry in entries}) == 2
    assert alexa.token not in function.logs


def test_a_correlation_token_no_runtime_can_write_does_no_harm(archive: Path, bearer: str) -> None:
    with LambdaRuntime(archive) as function:
        alexa = Alexa(function.invoke, bearer)
        directive = alexa.stream_directive("cams_example_com:den", [{"protocol": "RTSP"}])
        directive["directive"]["header"]["correlationToken"] = "\ud800"
        reply = function.invoke(directive)
    camera_streams_response(reply)
    assert "correlationToken" not in reply["event"]["header"]


def test_a_refusal_passes_through_the_runtime(archive: Path, bearer: str) -> None:
    with LambdaRuntime(archive) as function:
        alexa = Alexa(function.invoke, bearer)
        with pytest.raises(RefusedError, match="NO_SUCH_ENDPOINT"):
            alexa.ask(alexa.stream_directive("cams_example_com:garage", []), camera_streams_response)


def test_unusable_settings_are_named_at_the_start(document: dict[str, Any], archive: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.zip"
    with zipfile.ZipFile(archive) as good, zipfile.ZipFile(spoiled, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(name, json.dumps({**document, "table": 0}) if name == "settings.json" else content)
    with (
        pytest.raises(LambdaError, match="SettingsError: the settings: table must be"),
        LambdaRuntime(spoiled),
    ):
        pass


def test_a_function_that_cannot_be_imported_is_an_error(make_zip: MakeZip) -> None:
    archive = make_zip("import no_such_module_anywhere")
    with pytest.raises(LambdaError, match=r"could not be imported.*no_such_module_anywhere"), LambdaRuntime(archive):
        pass


def test_a_function_that_raises_is_an_error_and_lives_on(make_zip: MakeZip) -> None:
    source = "def handler(event, context):\n    return {'length': len(event['list'])}\n"
    with LambdaRuntime(make_zip(source)) as function:
        with pytest.raises(LambdaError, match=r"the function raised: KeyError: 'list'"):
            function.invoke({})
        assert function.invoke({"list": [1]}) == {"length": 1}


def test_a_function_that_dies_is_an_error(make_zip: MakeZip) -> None:
    source = "import os\ndef handler(event, context):\n    print('last words', flush=True)\n    os._exit(7)\n"
    with LambdaRuntime(make_zip(source)) as function, pytest.raises(LambdaError, match=r"status 7[^$]*last words"):
        function.invoke({})


def test_a_function_that_is_late_is_an_error(make_zip: MakeZip) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
    started = time.monotonic()
    with LambdaRuntime(make_zip(source)) as function, pytest.raises(LambdaError, match="no answer within the time"):
        function.invoke({}, timeout=0.3)
    assert time.monotonic() - started < 30


def test_an_answer_that_is_no_object_is_an_error(make_zip: MakeZip) -> None:
    with (
        LambdaRuntime(make_zip("def handler(event, context):\n    return [event]\n")) as function,
        pytest.raises(LambdaError, match="a list instead of an object"),
    ):
        function.invoke({})


def test_the_function_sees_its_own_world_and_nothing_is_left_of_it(
    make_zip: MakeZip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_PASSWORD", "hush-hush")
    source = (
        "import os\n"
        "def handler(event, context):\n"
        "    return {'env': dict(os.environ), 'cwd': os.getcwd(), 'left': context.get_remaining_time_in_millis()}\n"
    )
    with LambdaRuntime(make_zip(source)) as function:
        world = function.invoke({}, timeout=8)
    assert world["env"]["LAMBDA_TASK_ROOT"] == world["cwd"]
    assert "VAULT_PASSWORD" not in world["env"]
    assert 0 < world["left"] <= 8000
    assert not os.path.exists(world["cwd"])  # noqa: PTH110  (a string from the other process)
