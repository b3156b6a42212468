"""A way stops at its first broken link; what cannot be found out is a broken link, too."""

from __future__ import annotations

from datetime import UTC, datetime

from alexa_ip_cam.care import report
from alexa_ip_cam.care.steps import Outcome, Step, broken, go, good


def failing() -> Outcome:
    raise OSError("no such bus")


def test_what_lies_behind_the_first_broken_link_is_not_tried() -> None:
    tried = []

    def third() -> Outcome:
        tried.append("third")
        return good("fine")

    way = go(
        "picture",
        "garage",
        [
            Step("first", lambda: good("fine")),
            Step("second", lambda: broken("live555-stopped", state="failed", camera="garage")),
            Step("third", third),
        ],
    )
    assert tried == []
    assert way.fault is not None
    assert [step["state"] for step in way.document()["steps"]] == ["good", "failed", "untried"]
    assert way.document()["steps"][1]["mend"].startswith("systemctl restart live555@garage")


def test_a_step_that_cannot_find_out_is_broken() -> None:
    way = go("event", "", [Step("service", failing), Step("queue", lambda: good(""))])
    (step, untried) = way.document()["steps"]
    assert (step["key"], untried["state"]) == ("not-checked", "untried")
    assert "no such bus" in step["text"]


def test_the_document_and_its_sentences() -> None:
    ways = [
        go("picture", "garage", [Step("camera", lambda: good("fits"))]),
        go("certificate", "", [Step("renewal", lambda: broken("renewal-off", state="inactive"))]),
    ]
    document = report.document(ways, datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC))
    assert document["at"] == "2026-11-24T12:00:01Z"
    assert document["well"] is False
    assert document["ways"][0] == {
        "way": "picture",
        "subject": "garage",
        "steps": [{"step": "camera", "state": "good", "text": "fits", "mend": "", "key": ""}],
    }
    said = report.for_people(document)
    assert "picture of garage\n  good    camera     fits" in said
    assert "BROKEN  renewal" in said
    assert "What to do: systemctl enable --now certbot.timer" in said
    assert report.for_people(report.document(ways[:1], datetime.now(UTC))).endswith("all is well")
