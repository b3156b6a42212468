"""The URLs that must open nothing are indeed all bad."""

from __future__ import annotations

import random

from alexa_ip_cam.signing import derive_key, sign_stream, verify_stream
from benchmarks.bad_urls import bad_paths

KEY = derive_key("ab" * 32, "streams")
NOW = 1_800_000_000


def opens(path: str) -> bool:
    """As the gateway decides."""
    camera_id, _, token = path.partition("/")
    return camera_id in {"porch", "gate"} and verify_stream([KEY], camera_id, token, NOW)


def test_none_of_them_opens_a_stream() -> None:
    assert opens(sign_stream(KEY, "porch", NOW + 1))
    for seed in range(50):
        paths = bad_paths(KEY, "porch", "gate", NOW, random.Random(seed))  # noqa: S311 - no secret
        assert [name for name, path in paths.items() if opens(path)] == []
