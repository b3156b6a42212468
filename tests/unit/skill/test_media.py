"""GetMediaMetadata: real times and cause, a fresh URL, and a reason for each id that has none."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from alexa_ip_cam.alexa.store import Store
from alexa_ip_cam.media_id import Media, clip_path, media_id
from alexa_ip_cam.signing import sign_clip_uri
from alexa_ip_cam.skill.settings import Settings
from simulators.amazon.alexa import Alexa, RefusedError
from simulators.amazon.judge import media_response
from simulators.amazon.lwa import Lwa
from unit.skill.family import NEIGHBOUR, alexa_for

START = datetime(2026, 11, 22, 10, 0, 0, 123_000, UTC)
PORCH = Media("front-porch", START, timedelta(seconds=45), "motion")
YARD = Media("back-yard", START, timedelta(0), "person")


def identity(settings: Settings, media: Media, site: int = 0) -> str:
    return media_id(settings.sites[site].media_key, media)


def test_a_recording_is_told_from_its_id(stored: Store, settings: Settings, alexa: Alexa) -> None:
    wanted = identity(settings, PORCH)
    stored.put_deleted("another", 1_900_000_000)
    (recording,), problems = alexa.media([wanted])
    assert problems == {}
    assert (recording.media_id, recording.cause) == (wanted, "MOTION_DETECTED")
    assert recording.start == START.replace(microsecond=0)
    assert recording.end == START.replace(microsecond=0) + timedelta(seconds=46)  # no part of it is cut off
    uri = urlsplit(recording.uri)
    assert (uri.netloc, uri.path) == ("clips.example.com", clip_path(PORCH, wanted))
    assert uri.query == sign_clip_uri(settings.sites[0].clip_key, uri.path, recording.expires)
    assert timedelta(minutes=9) < recording.expires - datetime.now(UTC) <= timedelta(minutes=10)


def test_each_id_gets_its_own_answer(stored: Store, settings: Settings, alexa: Alexa) -> None:
    good, gone = identity(settings, YARD), identity(settings, PORCH)
    theirs = identity(settings, Media("den", START, timedelta(seconds=1), "motion"), site=1)
    removed = identity(settings, Media("garage", START, timedelta(seconds=1), "motion"))
    made_up = good[:-1] + ("0" if good[-1] != "0" else "1")
    stored.put_deleted(gone, 1_900_000_000)
    recordings, problems = alexa.media([good, gone, theirs, removed, made_up, "x", good])
    assert [one.media_id for one in recordings] == [good]
    assert problems == {
        gone: "DELETED",
        theirs: "NOT_FOUND",
        removed: "NOT_FOUND",
        made_up: "NOT_FOUND",
        "x": "NOT_FOUND",
    }


def test_who_owns_two_homes_sees_the_recordings_of_both(
    stored: Store, document: dict[str, Any], settings: Settings, lwa: Lwa
) -> None:
    stored.put_deleted(identity(settings, PORCH), 1_900_000_000)
    document["sites"][0]["owners"].append(NEIGHBOUR)
    theirs = identity(settings, Media("den", START, timedelta(seconds=1), "rule"), site=1)
    recordings, problems = alexa_for(document, lwa, NEIGHBOUR).media([identity(settings, PORCH), theirs])
    assert [urlsplit(one.uri).netloc for one in recordings] == ["clips.example.net"]
    assert problems == {identity(settings, PORCH): "DELETED"}


def test_without_the_store_no_recording_is_handed_out(settings: Settings, alexa: Alexa) -> None:
    recordings, problems = alexa.media([identity(settings, PORCH), "x"])
    assert recordings == []
    assert problems == {identity(settings, PORCH): "INTERNAL_ERROR", "x": "NOT_FOUND"}


def test_a_home_that_does_not_offer_recordings_has_none(document: dict[str, Any], settings: Settings, lwa: Lwa) -> None:
    document["sites"][0]["media_metadata"] = False
    assert alexa_for(document, lwa).media([identity(settings, PORCH)]) == ([], {identity(settings, PORCH): "NOT_FOUND"})


@pytest.mark.parametrize("ids", [None, [], "x", [1], [""], ["x" * 257], ["é"], ["a\n"], ["\ud800"], ["x"] * 301])
def test_a_malformed_list_of_ids_is_refused(alexa: Alexa, ids: Any) -> None:
    with pytest.raises(RefusedError, match=r"media ?[iI]d") as refusal:
        alexa.ask(alexa.media_directive(ids), media_response)
    assert refusal.value.error_type == "INVALID_DIRECTIVE"


def test_a_directive_without_filters_is_refused(alexa: Alexa) -> None:
    directive = alexa.media_directive([])
    directive["directive"]["payload"]["filters"] = "all"
    with pytest.raises(RefusedError, match="filters"):
        alexa.ask(directive, media_response)
