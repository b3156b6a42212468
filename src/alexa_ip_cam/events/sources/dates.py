"""Which days are still of interest: folders of older ones are never even listed."""

import time
from datetime import UTC, date, datetime, timedelta, tzinfo

CATCH_UP_DAYS = 7
"""How far back recordings are looked for: longer than any outage that its owner does not notice, and short enough that
a first start makes no clips of a whole archive."""


def first_day(zone: tzinfo) -> date:
    """The oldest day of interest by a camera's clock, with one day of room for clocks that are wrong."""
    return datetime.fromtimestamp(_now(), zone).date() - timedelta(days=CATCH_UP_DAYS + 1)


def first_moment() -> datetime:
    """The oldest moment of interest."""
    return datetime.fromtimestamp(_now(), UTC) - timedelta(days=CATCH_UP_DAYS)


def hours_ago(hours: int, zone: tzinfo) -> datetime:
    """What a camera's clock showed so many hours ago."""
    return datetime.fromtimestamp(_now() - hours * 3600, zone)


def _now() -> float:
    return time.time()
