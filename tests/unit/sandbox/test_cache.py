"""Where things are kept, and how machines share downloaded packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import SandboxError, cache_dir
from sandbox.cache import debs_dir, keep_debs, lend_debs

ARCHIVES = "var/cache/apt/archives"


def test_the_place_is_the_environments_choice_or_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ALEXA_IP_CAM_CACHE", raising=False)
    assert cache_dir() == tmp_path / ".cache" / "alexa-ip-cam"
    monkeypatch.setenv("ALEXA_IP_CAM_CACHE", str(tmp_path / "elsewhere"))
    assert cache_dir() == tmp_path / "elsewhere"
    assert cache_dir().is_dir()


@pytest.mark.parametrize("name", ["a b", "a,b", "a:b"])
def test_a_name_that_mount_options_cannot_carry_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("ALEXA_IP_CAM_CACHE", str(tmp_path / name))
    with pytest.raises(SandboxError, match="ALEXA_IP_CAM_CACHE"):
        cache_dir()
    assert not (tmp_path / name).exists()


def test_packages_go_from_one_tree_to_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALEXA_IP_CAM_CACHE", str(tmp_path / "cache"))
    first, second = tmp_path / "first", tmp_path / "second"
    lend_debs("bookworm", first)
    (first / ARCHIVES / "partial").mkdir()
    (first / ARCHIVES / "whole_1_all.deb").write_bytes(b"whole")
    (first / ARCHIVES / "partial" / "half_1_all.deb").write_bytes(b"ha")
    (first / ARCHIVES / "stray_1_all.deb").symlink_to("/etc/passwd")
    keep_debs("bookworm", first)
    assert [path.name for path in debs_dir("bookworm").iterdir()] == ["whole_1_all.deb"]

    lend_debs("bookworm", second)
    (second / ARCHIVES / "whole_1_all.deb").unlink()
    assert (debs_dir("bookworm") / "whole_1_all.deb").read_bytes() == b"whole"
    lend_debs("trixie", second)
    assert not list((second / ARCHIVES).iterdir())
