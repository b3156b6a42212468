"""Derived keys, stream paths and Apache's signed queries."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.signing import derive_key, sign_clip_uri, sign_stream, verify_stream

ROOT = "00112233445566778899aabbccddeeff" * 2
KEY = derive_key(ROOT, "streams")
OTHER_KEY = derive_key("ab" * 32, "streams")
EXPIRY = 1_800_000_000


def token_of(path: str) -> str:
    return path.partition("/")[2]


def test_derive_key_is_hmac_sha256_over_the_purpose() -> None:
    expected = hmac.new(bytes.fromhex(ROOT), b"streams", hashlib.sha256).digest()
    assert expected == KEY
    assert len(KEY) == 32


def test_each_purpose_has_its_own_key() -> None:
    assert len({derive_key(ROOT, purpose) for purpose in ("streams", "clips", "snapshots")}) == 3


@pytest.mark.parametrize("root", ["", "ab" * 31, "ab" * 33, "zz" * 32, " " + "a" * 63, "ab" * 32 + "\n"])
def test_derive_key_refuses_other_roots_without_showing_them(root: str) -> None:
    with pytest.raises(ValueError, match="openssl rand -hex 32") as refusal:
        derive_key(root, "streams")
    assert not root.strip() or root.strip() not in str(refusal.value)


@pytest.mark.parametrize("purpose", ["", "ströme"])
def test_derive_key_refuses_other_purposes(purpose: str) -> None:
    with pytest.raises(ValueError, match="ASCII name"):
        derive_key(ROOT, purpose)


def test_a_stream_path_has_the_documented_form() -> None:
    signature = hmac.new(KEY, b"front-porch/1800000000", hashlib.sha256).hexdigest()[:32]
    assert sign_stream(KEY, "front-porch", EXPIRY) == f"front-porch/1800000000-{signature}"


@given(
    st.integers(min_value=1, max_value=9_999_999_999),
    st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,9}", fullmatch=True),
)
def test_what_is_signed_verifies_until_it_expires(expiry: int, camera: str) -> None:
    token = token_of(sign_stream(KEY, camera, expiry))
    assert verify_stream([KEY], camera, token, expiry - 0.001)
    assert not verify_stream([KEY], camera, token, expiry)


def test_both_keys_of_a_rotation_are_accepted_in_either_place() -> None:
    old = token_of(sign_stream(OTHER_KEY, "front-porch", EXPIRY))
    new = token_of(sign_stream(KEY, "front-porch", EXPIRY))
    for keys in ([KEY, OTHER_KEY], [OTHER_KEY, KEY]):
        assert verify_stream(keys, "front-porch", old, 0)
        assert verify_stream(keys, "front-porch", new, 0)
    assert not verify_stream([KEY], "front-porch", old, 0)
    assert not verify_stream([], "front-porch", new, 0)


def test_a_token_opens_its_own_camera_only() -> None:
    token = token_of(sign_stream(KEY, "front-porch", EXPIRY))
    assert not verify_stream([KEY], "back-yard", token, 0)
    assert not verify_stream([KEY], "front-porc\udc80", token, 0)


def test_a_later_expiry_needs_a_new_signature() -> None:
    signature = token_of(sign_stream(KEY, "front-porch", EXPIRY)).partition("-")[2]
    assert not verify_stream([KEY], "front-porch", f"{EXPIRY + 1}-{signature}", 0)


def test_other_spellings_of_a_good_token_are_refused() -> None:
    good = token_of(sign_stream(KEY, "front-porch", EXPIRY))
    expiry, _, signature = good.partition("-")
    assert verify_stream([KEY], "front-porch", good, 0)
    spellings = [
        "",
        good + "\n",
        good + "/",
        good + "0",
        good[:-1],
        " " + good,
        "0" + good,
        "+" + good,
        good.upper(),
        f"{expiry}_{signature}",
        f"{expiry}-",
        f"-{signature}",
        "".join(chr(ord(digit) + 0x0660 - 0x30) for digit in expiry) + f"-{signature}",  # Arabic digits
    ]
    for spelling in spellings:
        assert not verify_stream([KEY], "front-porch", spelling, 0), spelling


@given(st.text(alphabet=st.characters(), max_size=60))
def test_no_guess_opens_a_stream_and_none_crashes(guess: str) -> None:
    assert not verify_stream([KEY, OTHER_KEY], "front-porch", guess, 0)


@pytest.mark.parametrize("position", range(len("1800000000-") + 32))
def test_each_altered_character_spoils_a_token(position: int) -> None:
    good = token_of(sign_stream(KEY, "front-porch", EXPIRY))
    other = "1" if good[position] != "1" else "2"
    assert not verify_stream([KEY], "front-porch", good[:position] + other + good[position + 1 :], 0)


@pytest.mark.parametrize("expiry", [0, -1, 10_000_000_000])
def test_an_expiry_no_path_can_carry_is_refused(expiry: int) -> None:
    with pytest.raises(ValueError, match="Unix seconds"):
        sign_stream(KEY, "front-porch", expiry)


CLIP_KEY = "0123456789abcdef0123456789abcdef01234567"


def test_a_clip_query_is_the_nested_keyed_sha1() -> None:
    inner = hashlib.sha1(f"{CLIP_KEY}/front-porch/a b.mp420270115080000".encode()).hexdigest()  # noqa: S324
    outer = hashlib.sha1(f"{CLIP_KEY}{inner}".encode()).hexdigest()  # noqa: S324
    expiry = datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert sign_clip_uri(CLIP_KEY, "/front-porch/a b.mp4", expiry) == f"e=20270115080000&s={outer}"


def test_a_clip_expiry_is_written_in_utc() -> None:
    berlin = datetime(2027, 1, 15, 9, tzinfo=timezone(timedelta(hours=1)))
    same = datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert sign_clip_uri(CLIP_KEY, "/a.mp4", berlin) == sign_clip_uri(CLIP_KEY, "/a.mp4", same)


@pytest.mark.parametrize(
    ("key", "uri", "expiry", "reason"),
    [
        (CLIP_KEY.upper(), "/a.mp4", datetime(2027, 1, 15, tzinfo=UTC), "40 lower-case"),
        (CLIP_KEY + "0", "/a.mp4", datetime(2027, 1, 15, tzinfo=UTC), "40 lower-case"),
        (CLIP_KEY, "a.mp4", datetime(2027, 1, 15, tzinfo=UTC), "starts with a slash"),
        (CLIP_KEY, "/a.mp4", datetime(2027, 1, 15), "time zone"),  # noqa: DTZ001
    ],
)
def test_a_clip_that_cannot_be_signed_says_why(key: str, uri: str, expiry: datetime, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        sign_clip_uri(key, uri, expiry)
