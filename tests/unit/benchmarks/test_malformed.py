"""Malformed requests: of every kind, the same from the same seed, and of bounded size."""

from __future__ import annotations

import random

from benchmarks.malformed import malformed, valid

URL = "rtsp://cams.example.test:443/front-porch/1-0123456789abcdef0123456789abcdef"
LARGEST = 300 * 1024


def seeded(seed: int) -> random.Random:
    """The same numbers in each run."""
    return random.Random(seed)  # noqa: S311 - no secret


def test_a_seed_makes_the_same_requests_again() -> None:
    first, second = seeded(5), seeded(5)
    assert [malformed(first, URL) for _ in range(50)] == [malformed(second, URL) for _ in range(50)]


def test_every_kind_comes_and_none_is_larger_than_the_machine_can_send() -> None:
    rng = seeded(1)
    requests = [malformed(rng, URL) for _ in range(500)]
    assert len({request.kind for request in requests}) == 12
    assert max(len(request.data) for request in requests) <= LARGEST
    assert all(request.data for request in requests)


def test_what_is_complete_is_answered_so_it_is_waited_for() -> None:
    rng = seeded(2)
    for _ in range(500):
        request = malformed(rng, URL)
        assert request.waits or request.data.endswith(b"\r\n\r\n"), request.kind


def test_a_valid_request_has_one_head() -> None:
    rng = seeded(3)
    for _ in range(100):
        request = valid(rng, URL)
        assert request.count(b"\r\n\r\n") == 1
        assert b" RTSP/1.0\r\nCSeq: " in request
