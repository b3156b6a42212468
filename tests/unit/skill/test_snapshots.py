"""GetSnapshot: a signed URL that Apache opens for ten minutes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from alexa_ip_cam.signing import sign_clip_uri
from alexa_ip_cam.skill.settings import Settings
from simulators.amazon.alexa import Alexa, Endpoint, RefusedError
from simulators.amazon.judge import snapshot_response
from simulators.amazon.lwa import Lwa
from unit.skill.family import alexa_for


def test_a_snapshot_is_to_be_had_for_ten_minutes(alexa: Alexa, settings: Settings) -> None:
    snapshot = alexa.snapshot(alexa.find("back yard"))
    uri = urlsplit(snapshot.uri)
    assert (uri.netloc, uri.path) == ("clips.example.com", "/snapshots/back-yard.jpg")
    assert uri.query == sign_clip_uri(settings.sites[0].snapshot_key, uri.path, snapshot.expires)
    assert timedelta(minutes=9) < snapshot.expires - datetime.now(UTC) <= timedelta(minutes=10)


def test_another_homes_camera_has_no_snapshot_for_us(alexa: Alexa) -> None:
    with pytest.raises(RefusedError) as refusal:
        alexa.snapshot(Endpoint("cams_example_net:den", "Den", ()))
    assert refusal.value.error_type == "NO_SUCH_ENDPOINT"


def test_what_was_not_advertised_is_not_answered(document: dict[str, Any], lwa: Lwa) -> None:
    document["sites"][0]["snapshots"] = False
    alexa = alexa_for(document, lwa)
    with pytest.raises(RefusedError, match="without snapshots") as refusal:
        alexa.snapshot(alexa.find("the den"))
    assert refusal.value.error_type == "INVALID_DIRECTIVE"


@pytest.mark.parametrize("version", ["3", "1.0", "1.2"])
def test_another_version_is_refused(alexa: Alexa, version: str) -> None:
    endpoint = alexa.find("the den").endpoint_id
    directive = alexa.directive("Alexa.SmartVision.SnapshotProvider", "GetSnapshot", endpoint, version=version)
    with pytest.raises(RefusedError, match=r"only payload version 1\.1"):
        alexa.ask(directive, snapshot_response)
