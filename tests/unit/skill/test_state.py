"""ReportState: what the appliance said, when it said so, and nothing made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alexa_ip_cam.alexa.store import Sample, Store
from simulators.amazon.alexa import Alexa, Endpoint, RefusedError
from simulators.amazon.judge import state_report

NOW = datetime(2026, 11, 22, 10, 0, 0, 123_000, UTC)
EARLIER = NOW - timedelta(minutes=3)


def test_what_the_appliance_said_is_reported_with_its_time(stored: Store, alexa: Alexa) -> None:
    stored.put_state("front-porch", "detection", Sample("DETECTED", NOW))
    stored.put_state("front-porch", "connectivity", Sample("OK", EARLIER))
    report = alexa.report_state(alexa.find("front porch"))
    assert (report.detection, report.detection_at) == ("DETECTED", NOW)
    assert (report.connectivity, report.connectivity_at) == ("OK", EARLIER)


def test_how_old_it_is_is_said(stored: Store, alexa: Alexa) -> None:
    stored.put_state("den", "connectivity", Sample("UNREACHABLE", datetime.now(UTC) - timedelta(minutes=3)))
    stored.put_state("den", "detection", Sample("NOT_DETECTED", datetime.now(UTC) + timedelta(minutes=5)))
    reply = alexa.ask(alexa.directive("Alexa", "ReportState", "cams_example_com:den"), state_report)
    motion, health = reply["context"]["properties"]
    assert 180_000 <= health["uncertaintyInMilliseconds"] < 300_000
    assert motion["uncertaintyInMilliseconds"] == 0  # the appliance's clock is ahead


@pytest.mark.usefixtures("stored")
def test_a_camera_of_which_nothing_was_said_is_not_called_reachable(document: dict[str, Any], alexa: Alexa) -> None:
    assert document["store_url"] != "http://127.0.0.1:9"
    report = alexa.report_state(alexa.find("back yard"))
    assert (report.detection, report.connectivity) == ("NOT_DETECTED", "UNREACHABLE")


def test_a_camera_that_is_not_there_is_refused(stored: Store, alexa: Alexa) -> None:
    stored.put_state("garage", "connectivity", Sample("OK", NOW))
    for endpoint_id in ("cams_example_com:garage", "cams_example_net:den", ""):
        with pytest.raises(RefusedError) as refusal:
            alexa.report_state(Endpoint(endpoint_id, "Garage", ()))
        assert refusal.value.error_type == "NO_SUCH_ENDPOINT"


def test_without_the_store_there_is_no_answer_but_the_log_has_the_reason(
    alexa: Alexa, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = alexa.find("the den")
    with pytest.raises(RefusedError, match="could not be looked up") as refusal:
        alexa.report_state(endpoint)
    assert refusal.value.error_type == "INTERNAL_ERROR"
    assert "EndpointConnectionError" in capsys.readouterr().out
