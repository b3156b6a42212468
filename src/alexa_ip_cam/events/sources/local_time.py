"""From a camera's local time to UTC, the two nights of the year included on which that is not plain."""

from datetime import UTC, datetime, timedelta, tzinfo


def to_utc(local: datetime, zone: tzinfo, *, near: datetime | None = None, summer: bool | None = None) -> datetime:
    """The moment that a camera's clock on the wall showed.

    In the hour that comes twice, when summer time ends, the time that a file was written tells which of the two it
    was. A time that never came, in the hour that is left out, is taken as if the clock had not been put forward.

    Args:
        local: what the clock showed, without a zone.
        zone: the camera's time zone.
        near: a moment soon after it, aware; the earlier hour without one.
        summer: whether the camera says itself that it was summer time.
    """
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first >= second:  # every other hour of the year, and the one that never came
        return first
    if summer is not None:
        return first if summer else second
    # What is written soon after the second time is written more than an hour after the first.
    if near is not None and near >= second - timedelta(minutes=1):
        return second
    return first
