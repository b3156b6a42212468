"""Sizes from the environment."""

from __future__ import annotations

import pytest

from benchmarks.options import OptionError, option


def test_the_default_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_ROUNDS", raising=False)
    assert option("BENCH_ROUNDS", 10) == 10
    monkeypatch.setenv("BENCH_ROUNDS", "2.5")
    assert option("BENCH_ROUNDS", 10) == 2.5


@pytest.mark.parametrize("text", ["ten", "0", "-1", "nan", "inf"])
def test_a_number_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BENCH_ROUNDS", text)
    with pytest.raises(OptionError, match=f"BENCH_ROUNDS must be a number above 0, such as 10, not '{text}'"):
        option("BENCH_ROUNDS", 10)
