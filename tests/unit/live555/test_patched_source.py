from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from module_utils.appliance.checked_edit import MisfitError, checked_edit

RunModule = Callable[..., dict[str, Any]]
SINK = b"// \xe9\r\nunsigned OutPacketBuffer::maxSize = 60000; // by default\r\nunsigned x = maxSize;\r\n"
EDIT = {
    "path": "liveMedia/MediaSink.cpp",
    "pattern": r"^unsigned OutPacketBuffer::maxSize = \d+;",
    "replacement": "unsigned OutPacketBuffer::maxSize = 400000;",
}


def _archive(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> dict[str, Any]:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return {
        "src": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "dest": str(path.parent / "patched.tar.gz"),
        "top": "live",
        "directories": ["liveMedia", "groupsock"],
        "edits": [EDIT],
    }


@pytest.fixture(params=["live", "liblivemedia-1.0.5"])
def arguments(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    top = request.param
    files = {"MediaSink.cpp": SINK, "include/x.hh": b"x"}
    members = {f"{top}/liveMedia/{name}": content for name, content in files.items()}
    members |= {f"{top}/groupsock/a.cpp": b"a", f"{top}/testProgs/huge.cpp": b"unwanted"}
    return _archive(tmp_path / "source.tar.gz", members)


def _contents(path: str) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_both_layouts_give_the_same_patched_archive(run_module: RunModule, arguments: dict[str, Any]) -> None:
    assert run_module("patched_source", arguments)["changed"] is True
    assert _contents(arguments["dest"]) == {
        "live/groupsock/a.cpp": b"a",
        "live/liveMedia/MediaSink.cpp": SINK.replace(b"60000", b"400000"),
        "live/liveMedia/include/x.hh": b"x",
    }
    packed = Path(arguments["dest"]).read_bytes()
    assert run_module("patched_source", arguments)["changed"] is False
    assert Path(arguments["dest"]).read_bytes() == packed


def test_check_mode_checks_and_writes_nothing(run_module: RunModule, arguments: dict[str, Any]) -> None:
    assert run_module("patched_source", arguments, check=True)["changed"] is True
    assert not Path(arguments["dest"]).exists()
    arguments["sha256"] = "0" * 64
    assert run_module("patched_source", arguments, check=True)["failed"] is True


def test_another_file_is_refused(run_module: RunModule, arguments: dict[str, Any]) -> None:
    arguments["sha256"] = "0" * 64
    result = run_module("patched_source", arguments)
    assert result["failed"] is True
    assert "another file, or was altered" in result["msg"]
    assert not Path(arguments["dest"]).exists()


@pytest.mark.parametrize(
    ("sink", "count"),
    [(b"unsigned OutPacketBuffer::maxSize(60000);\n", 0), (SINK + SINK, 2)],
    ids=["no place", "two places"],
)
def test_a_source_that_the_patch_does_not_fit_is_refused(
    run_module: RunModule, tmp_path: Path, sink: bytes, count: int
) -> None:
    arguments = _archive(
        tmp_path / "source.tar", {"live/liveMedia/MediaSink.cpp": sink, "live/groupsock/a.cpp": b""}, "w"
    )
    result = run_module("patched_source", arguments)
    assert result["failed"] is True
    assert "this source does not match" in result["msg"]
    assert f"found {count}" in result["msg"]
    assert not Path(arguments["dest"]).exists()


def test_an_archive_of_something_else_is_refused(run_module: RunModule, tmp_path: Path) -> None:
    arguments = _archive(tmp_path / "source.tar.gz", {"live/liveMedia/MediaSink.cpp": SINK})
    assert "groupsock is missing" in run_module("patched_source", arguments)["msg"]
    (tmp_path / "page.html").write_text("<html>not found</html>")
    digest = hashlib.sha256((tmp_path / "page.html").read_bytes()).hexdigest()
    result = run_module("patched_source", {**arguments, "src": str(tmp_path / "page.html"), "sha256": digest})
    assert "not a tar archive" in result["msg"]


def test_members_that_lead_out_of_the_archive_are_left_out(run_module: RunModule, tmp_path: Path) -> None:
    members = {
        "live/liveMedia/MediaSink.cpp": SINK,
        "live/groupsock/a.cpp": b"",
        "live/groupsock/../../../etc/passwd": b"evil",
    }
    arguments = _archive(tmp_path / "source.tar.gz", members)
    run_module("patched_source", arguments)
    assert not [name for name in _contents(arguments["dest"]) if "passwd" in name]


def test_a_missing_file_is_named(run_module: RunModule, arguments: dict[str, Any]) -> None:
    arguments["src"] = "/nonexistent/live.tar.gz"
    assert "/nonexistent/live.tar.gz: No such file" in run_module("patched_source", arguments)["msg"]


def test_checked_edit_may_keep_parts_of_the_match() -> None:
    assert checked_edit("a = 1; // keep", r"^(a) = \d;(.*)$", r"\g<1> = 2;\g<2>") == "a = 2; // keep"
    with pytest.raises(MisfitError, match="found 2"):
        checked_edit("x x", "x", "y")
