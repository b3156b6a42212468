"""Keys and signatures of every URL that a device is handed.

The skill signs stream URLs, the gateway checks them; Apache checks the URLs of recordings and snapshots.
Standard library only, and few modules of it: the Lambda imports this on its way to the first answer.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime

SIGNATURE_DIGITS = 32  # 128 bits of HMAC-SHA256: out of reach for guessing, and short enough for a path

_ROOT_KEY = re.compile(r"[0-9a-fA-F]{64}")
_APACHE_KEY = re.compile(r"[0-9a-f]{40}")
_TOKEN = re.compile(rf"([1-9][0-9]{{0,9}})-([0-9a-f]{{{SIGNATURE_DIGITS}}})")
_LAST_EXPIRY = 9_999_999_999  # ten digits


def derive_key(root_hex: str, purpose: str) -> bytes:
    """The 32-byte key of one purpose (``streams``, ``clips``, ``snapshots``), made from the root key.

    HMAC-SHA256 with the root key over the purpose's name, so that whoever holds one purpose's key learns
    nothing about another's.

    Raises:
        ValueError: the root key is not 64 hexadecimal digits, or the purpose is not plain ASCII. The
            message does not contain the key.
    """
    if not _ROOT_KEY.fullmatch(root_hex):
        raise ValueError("the signing key must be 64 hexadecimal digits; make one with: openssl rand -hex 32")
    if not purpose or not purpose.isascii():
        raise ValueError(f"a key's purpose must be an ASCII name, not {purpose!r}")
    return hmac.digest(bytes.fromhex(root_hex), purpose.encode("ascii"), "sha256")


def sign_stream(key: bytes, camera_id: str, expiry: int) -> str:
    """The path of a camera's stream, ``<camera id>/<expiry>-<signature>``, without a leading slash.

    Args:
        key: the key of purpose ``streams``, from `derive_key`.
        camera_id: the camera's id in the inventory.
        expiry: Unix seconds; from this moment on the path is refused.

    Raises:
        ValueError: the expiry is not between 1 and 9999999999.
    """
    if not 1 <= expiry <= _LAST_EXPIRY:
        raise ValueError(f"expiry must be Unix seconds between 1 and {_LAST_EXPIRY}, not {expiry}")
    return f"{camera_id}/{expiry}-{_stream_signature(key, camera_id, str(expiry))}"


def verify_stream(keys: Sequence[bytes], camera_id: str, token: str, now: float) -> bool:
    """Whether ``token`` (``<expiry>-<signature>``) opens this camera's stream at ``now``.

    Every key is tried, also after a match, and signatures are compared in constant time: how long the
    answer takes says nothing about how close a guess was.

    Args:
        keys: the current key of purpose ``streams`` and, while keys change, the one before.
        camera_id: the camera that was asked for, as it stood in the path; need not exist.
        token: the path segment after the camera's id, of any content.
        now: Unix seconds.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        return False
    expiry, signature = match.groups()
    genuine = False
    for key in keys:
        genuine |= hmac.compare_digest(signature, _stream_signature(key, camera_id, expiry))
    return genuine and now < int(expiry)


def sign_clip_uri(key_hex40: str, uri: str, expiry: datetime) -> str:
    """The query string, without its question mark, that makes Apache serve a recording or a snapshot.

    Args:
        key_hex40: 40 lower-case hexadecimal digits; Apache's configuration holds the same text.
        uri: the decoded path as Apache sees it, with its leading slash and no query: ``/porch/a b.mp4``, not
            ``/porch/a%20b.mp4``. Percent-encoding belongs into the URL only.
        expiry: an aware time; from its second on the URL is refused.

    Raises:
        ValueError: the key has another form, the path does not start with a slash, or the time has no zone.
    """
    if not _APACHE_KEY.fullmatch(key_hex40):
        raise ValueError("the key for Apache must be 40 lower-case hexadecimal digits")
    if not uri.startswith("/"):
        raise ValueError(f"a path to sign starts with a slash, unlike {uri!r}")
    if expiry.tzinfo is None:
        raise ValueError("the expiry needs a time zone")
    moment = expiry.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    inner = _sha1_hex(key_hex40 + uri + moment)
    return f"e={moment}&s={_sha1_hex(key_hex40 + inner)}"


def _stream_signature(key: bytes, camera_id: str, expiry: str) -> str:
    # surrogatepass: a path that was not valid UTF-8 is a wrong path, not a crash.
    message = f"{camera_id}/{expiry}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, message, "sha256").hex()[:SIGNATURE_DIGITS]


def _sha1_hex(text: str) -> str:
    # SHA-1 is what Apache's expressions offer. As a keyed hash it does not depend on collision resistance.
    return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324
