"""The module that has a role's directories and files in one call."""

from __future__ import annotations

import getpass
import grp
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]
OWN = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getegid()).gr_name}


def arguments(root: Path, text: str = "one\n", **more: Any) -> dict[str, Any]:
    return {
        "directories": [{"path": str(root / "sub"), "mode": "2750", **OWN}],
        "files": [{"path": str(root / "sub/file"), "text": text, "mode": "0640", **OWN, **more}],
        "absent": [str(root / "old")],
    }


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_check_do_check_do(run_module: Run, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/inner").touch()
    checked = run_module("mirrored_files", arguments(tmp_path), check=True)
    assert checked["changed"] is True
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    done = run_module("mirrored_files", arguments(tmp_path))
    assert done["paths"] == checked["paths"] == [str(tmp_path / name) for name in ("sub", "sub/file", "old")]
    assert [path.name for path in tmp_path.iterdir()] == ["sub"]
    assert (tmp_path / "sub/file").read_text() == "one\n"
    assert (mode(tmp_path / "sub"), mode(tmp_path / "sub/file")) == (0o2750, 0o640)
    assert run_module("mirrored_files", arguments(tmp_path), check=True)["changed"] is False
    assert run_module("mirrored_files", arguments(tmp_path))["changed"] is False


def test_mends_text_mode_and_a_link(run_module: Run, tmp_path: Path) -> None:
    file = tmp_path / "sub/file"
    run_module("mirrored_files", arguments(tmp_path))
    file.chmod(0o666)
    assert run_module("mirrored_files", arguments(tmp_path))["paths"] == [str(file)]
    file.unlink()
    file.symlink_to("/dev/null")
    assert run_module("mirrored_files", arguments(tmp_path))["paths"] == [str(file)]
    assert (file.is_symlink(), file.read_text(), mode(file)) == (False, "one\n", 0o640)
    (tmp_path / "sub").chmod(0o700)
    assert run_module("mirrored_files", arguments(tmp_path))["paths"] == [str(tmp_path / "sub")]


def test_shows_the_text_before_and_after(run_module: Run, tmp_path: Path) -> None:
    run_module("mirrored_files", arguments(tmp_path))
    (shown,) = run_module("mirrored_files", arguments(tmp_path, "two\n"), check=True)["diff"]
    assert (shown["before"], shown["after"]) == ("one\n", "two\n")


def test_a_file_that_is_refused_is_not_put_in_place(run_module: Run, tmp_path: Path) -> None:
    run_module("mirrored_files", arguments(tmp_path, validate="grep -q one %s"))
    result = run_module("mirrored_files", arguments(tmp_path, "two\n", validate="grep one /no/such %s"))
    assert result["failed"] is True
    assert "refused" in result["msg"]
    assert "/no/such" in result["msg"]
    assert {path.name: path.read_text() for path in (tmp_path / "sub").iterdir()} == {"file": "one\n"}


@pytest.mark.parametrize("what", ["owner", "group"])
def test_a_missing_user_or_group_is_news_only_when_it_is_needed(run_module: Run, tmp_path: Path, what: str) -> None:
    wanted = {"directories": [{"path": str(tmp_path / "sub"), **OWN, what: "nobody-has-this"}]}
    assert run_module("mirrored_files", wanted, check=True)["changed"] is True
    result = run_module("mirrored_files", wanted)
    assert "nobody-has-this" in result["msg"]
    assert "missing" in result["msg"]


@pytest.mark.parametrize(
    ("name", "says"),
    [("sub", "no directory"), ("sub/file", "has to be a file")],
    ids=["file for a directory", "directory for a file"],
)
def test_what_is_in_the_way_stays(run_module: Run, tmp_path: Path, name: str, says: str) -> None:
    if name == "sub":
        (tmp_path / "sub").touch()
    else:
        (tmp_path / "sub/file").mkdir(parents=True)
    result = run_module("mirrored_files", arguments(tmp_path))
    assert says in result["msg"]
    assert (tmp_path / name).exists()


def test_a_missing_directory_of_a_file_is_named(run_module: Run, tmp_path: Path) -> None:
    wanted = {"files": arguments(tmp_path)["files"]}
    assert run_module("mirrored_files", wanted, check=True)["changed"] is True
    assert f"{tmp_path / 'sub'} is missing" in run_module("mirrored_files", wanted)["msg"]


def test_trees_are_brought_to_their_state_between_directories_and_files(run_module: Run, tmp_path: Path) -> None:
    root = tmp_path / "sub/program"
    tree = {"path": str(root), "files": {"a.py": "x = 1\n", "b/c.py": ""}}
    wanted = {**arguments(tmp_path), "trees": [tree]}
    assert run_module("mirrored_files", wanted, check=True)["changed"] is True
    assert not (tmp_path / "sub").exists()
    done = run_module("mirrored_files", wanted)
    assert done["paths"] == [
        str(path) for path in (tmp_path / "sub", root / "a.py", root / "b/c.py", tmp_path / "sub/file")
    ]
    assert mode(root / "b/c.py") == 0o644
    (root / "old.py").touch()
    done = run_module("mirrored_files", wanted)
    assert done["paths"] == [str(root / "old.py")]
    assert [shown["before_header"] for shown in done["diff"]] == [str(root / "old.py")]
    assert not (root / "old.py").exists()
    assert run_module("mirrored_files", wanted)["changed"] is False


def test_a_tree_is_not_left(run_module: Run, tmp_path: Path) -> None:
    result = run_module("mirrored_files", {"trees": [{"path": str(tmp_path / "tree"), "files": {"../evil.py": ""}}]})
    assert "../evil.py" in result["msg"]
    assert not (tmp_path / "evil.py").exists()
