"""Media ids: what goes in comes out, and nothing else is taken."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.media_id import CAUSES, Media, clip_path, media_id, parse_media_id

KEY = bytes(range(32))
PORCH = Media("front-porch", datetime(2026, 11, 22, 10, 0, 0, 123_000, UTC), timedelta(seconds=45), "motion")

media = st.builds(
    Media,
    st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True),
    st.datetimes(datetime(2000, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
    st.integers(0, 86_400_000).map(lambda ms: timedelta(milliseconds=ms)),
    st.sampled_from(sorted(CAUSES)),
)


@given(media)
def test_an_id_says_what_it_was_made_from_in_the_characters_alexa_takes(recording: Media) -> None:
    identity = media_id(KEY, recording)
    assert re.fullmatch(r"[A-Za-z0-9_]{1,90}", identity)
    assert parse_media_id(KEY, identity) == recording


def test_an_id_is_the_same_every_time_and_everywhere() -> None:
    elsewhere = PORCH._replace(start=PORCH.start.astimezone(timezone(timedelta(hours=-8))))
    identity = media_id(KEY, PORCH)
    assert identity == media_id(KEY, elsewhere)
    assert identity.startswith("front_porch_20261122T100000123Z_45000_motion_")
    assert clip_path(PORCH, identity) == f"/clips/front-porch/2026-11-22/{identity}.mp4"


@given(st.text())
def test_made_up_ids_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no recording has this id"):
        parse_media_id(KEY, text)


@pytest.mark.parametrize("position", range(0, 65, 3))
def test_an_altered_id_is_refused(position: int) -> None:
    identity = media_id(KEY, PORCH)
    other = "0" if identity[position] != "0" else "1"
    with pytest.raises(ValueError, match="no recording has this id"):
        parse_media_id(KEY, identity[:position] + other + identity[position + 1 :])


def test_another_homes_id_is_refused() -> None:
    with pytest.raises(ValueError, match="no recording has this id"):
        parse_media_id(bytes(32), media_id(KEY, PORCH))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"camera_id": "../etc"}, "no camera's id"),
        ({"camera_id": "front_porch"}, "no camera's id"),
        ({"cause": "ghost"}, "a cause is one of motion, "),
        ({"start": datetime(2026, 11, 22)}, "needs a time zone"),  # noqa: DTZ001
        ({"length": timedelta(seconds=-1)}, "0 to 1 day"),
        ({"length": timedelta(days=2)}, "0 to 1 day"),
    ],
)
def test_what_cannot_be_said_in_an_id_is_an_error(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        media_id(KEY, PORCH._replace(**change))  # type: ignore[arg-type]
