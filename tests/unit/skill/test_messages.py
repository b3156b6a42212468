"""The parts that every message is made of."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.alexa.messages import timestamp
from simulators.amazon.checks import moment


@pytest.mark.parametrize(
    ("microsecond", "fraction"), [(0, "000"), (999, "000"), (1000, "001"), (45_678, "045"), (999_999, "999")]
)
def test_a_timestamp_has_milliseconds(microsecond: int, fraction: str) -> None:
    assert timestamp(datetime(2026, 11, 22, 10, 5, 9, microsecond, UTC)) == f"2026-11-22T10:05:09.{fraction}Z"


def test_a_timestamp_is_in_utc() -> None:
    assert timestamp(datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=2)))) == "2026-11-21T23:00:00.000Z"


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)))  # noqa: DTZ001  (hypothesis wants it so)
def test_every_timestamp_is_one_alexa_takes(time: datetime) -> None:
    moment(timestamp(time), "time")
