"""The name that Alexa, the skill and the events service share for a recording.

It says all there is to know of the recording, so that nobody needs a database to answer for it, and it carries a
check, so that nobody can make one up. Standard library only: the Lambda imports this.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

CHECK_DIGITS = 20  # 80 bits of HMAC-SHA256
CAUSES = {
    "motion": "MOTION_DETECTED",
    "audio": "AUDIO_DETECTED",
    "person": "PERSON_DETECTED",
    "app": "APP_INTERACTION",
    "voice": "VOICE_INTERACTION",
    "rule": "RULE_TRIGGER",
}
"""Our word for a cause, and Alexa's (Amazon's published message schema, Alexa.MediaMetadata)."""

_MAX_LENGTH = timedelta(days=1)
_CAMERA_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_MEDIA_ID = re.compile(
    r"(?P<camera>[a-z0-9_]{1,32})_(?P<start>[0-9]{8}T[0-9]{6}[0-9]{3}Z)_(?P<length>0|[1-9][0-9]{0,7})"
    r"_(?P<cause>[a-z]{3,6})_(?P<check>[0-9a-f]{20})"
)


class Media(NamedTuple):
    """One recording: `start` is an aware time of whole milliseconds, `cause` one of `CAUSES`."""

    camera_id: str
    start: datetime
    length: timedelta
    cause: str


def media_id(key: bytes, media: Media) -> str:
    """The recording's id, such as ``front_porch_20261122T100000123Z_45000_motion_0123456789abcdef0123``.

    At most 90 characters of ``[A-Za-z0-9_]`` (Amazon's message schema allows 256). Parts of a millisecond are cut off.

    Args:
        key: the key of purpose ``media``, from `signing.derive_key`.
        media: the recording; its camera's id as in the inventory.

    Raises:
        ValueError: the camera's id or the cause is of another form, the start has no zone, or the length is negative
            or longer than a day.
    """
    if not _CAMERA_ID.fullmatch(media.camera_id):
        raise ValueError(f"{media.camera_id!r} is no camera's id")
    if media.cause not in CAUSES:
        raise ValueError(f"a cause is one of {', '.join(CAUSES)}, not {media.cause!r}")
    if media.start.tzinfo is None:
        raise ValueError("the start needs a time zone")
    if not timedelta() <= media.length <= _MAX_LENGTH:
        raise ValueError(f"a recording is 0 to {_MAX_LENGTH} long, not {media.length}")
    start = media.start.astimezone(UTC)
    # No camera's id has an underscore, and the fields behind it have none, so that this can be read back.
    text = (
        f"{media.camera_id.replace('-', '_')}_{start:%Y%m%dT%H%M%S}{start.microsecond // 1000:03d}Z"
        f"_{media.length // timedelta(milliseconds=1)}_{media.cause}"
    )
    return f"{text}_{_check(key, text)}"


def parse_media_id(key: bytes, text: str) -> Media:
    """What an id says.

    Raises:
        ValueError: the id is of another form, or was not made with this key. Says no more than that.
    """
    match = _MEDIA_ID.fullmatch(text)
    # The check first: whatever it covers, we have written ourselves.
    if match is None or not hmac.compare_digest(match["check"], _check(key, text.rpartition("_")[0])):
        raise ValueError("no recording has this id")
    return _media(match)


def read_media_id(text: str) -> Media:
    """What an id says, its check left aside: for the names of our own files, without the key.

    Raises:
        ValueError: the id is of another form.
    """
    match = _MEDIA_ID.fullmatch(text)
    if match is None:
        raise ValueError("no recording has this id")
    return _media(match)


def _media(match: re.Match[str]) -> Media:
    moment = datetime.strptime(match["start"], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    length = timedelta(milliseconds=int(match["length"]))
    return Media(match["camera"].replace("_", "-"), moment, length, match["cause"])


def clip_path(media: Media, identity: str) -> str:
    """Where Apache serves the clip, ``/clips/<camera id>/<YYYY-MM-DD of the start, UTC>/<media id>.mp4``.

    The same path below the directory that Apache serves as ``/clips/`` is where the file lies.
    """
    return f"/clips/{media.camera_id}/{media.start.astimezone(UTC):%Y-%m-%d}/{identity}.mp4"


def _check(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode("ascii"), "sha256").hex()[:CHECK_DIGITS]
