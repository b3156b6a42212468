from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunModule = Callable[..., dict[str, Any]]


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    return {
        "directory": str(tmp_path / "secrets"),
        "suffix": ".conf",
        "files": {"a.conf": "password=geheim-a\n", "b.conf": "password=geheim-b\n"},
    }


def test_writes_what_is_missing_for_the_owner_alone(run_module: RunModule, arguments: dict[str, Any]) -> None:
    old = os.umask(0)
    try:
        result = run_module("secret_files", arguments)
    finally:
        os.umask(old)
    directory = Path(arguments["directory"])
    assert result["changed"] is True
    assert result["written"] == ["a.conf", "b.conf"]
    assert directory.stat().st_mode & 0o777 == 0o700
    for name, text in arguments["files"].items():
        assert (directory / name).read_text() == text
        assert (directory / name).stat().st_mode & 0o777 == 0o600
    assert {path.name for path in directory.iterdir()} == {"a.conf", "b.conf"}


def test_a_second_run_changes_nothing(run_module: RunModule, arguments: dict[str, Any]) -> None:
    run_module("secret_files", arguments)
    before = {path: path.stat().st_ino for path in Path(arguments["directory"]).iterdir()}
    result = run_module("secret_files", arguments)
    assert (result["changed"], result["written"], result["removed"]) == (False, [], [])
    assert {path: path.stat().st_ino for path in Path(arguments["directory"]).iterdir()} == before


def test_only_the_changed_file_is_written_and_the_unwanted_removed(
    run_module: RunModule, arguments: dict[str, Any]
) -> None:
    run_module("secret_files", arguments)
    directory = Path(arguments["directory"])
    (directory / "note.txt").write_text("the owner's")
    untouched = (directory / "a.conf").stat().st_ino
    arguments["files"] = {"a.conf": arguments["files"]["a.conf"], "c.conf": "new\n"}
    result = run_module("secret_files", arguments)
    assert (result["written"], result["removed"]) == (["c.conf"], ["b.conf"])
    assert (directory / "a.conf").stat().st_ino == untouched
    assert {path.name for path in directory.iterdir()} == {"a.conf", "c.conf", "note.txt"}


def test_a_file_that_others_can_read_is_put_right(run_module: RunModule, arguments: dict[str, Any]) -> None:
    run_module("secret_files", arguments)
    (Path(arguments["directory"]) / "a.conf").chmod(0o644)
    assert run_module("secret_files", arguments)["written"] == ["a.conf"]
    assert (Path(arguments["directory"]) / "a.conf").stat().st_mode & 0o777 == 0o600


def test_a_link_is_replaced_and_not_followed(run_module: RunModule, arguments: dict[str, Any], tmp_path: Path) -> None:
    run_module("secret_files", arguments)
    victim = tmp_path / "victim"
    victim.write_text("password=geheim-a\n")
    victim.chmod(0o600)
    link = Path(arguments["directory"]) / "a.conf"
    link.unlink()
    link.symlink_to(victim)
    assert run_module("secret_files", arguments)["written"] == ["a.conf"]
    assert not link.is_symlink()


def test_check_mode_on_a_virgin_machine_writes_nothing(run_module: RunModule, arguments: dict[str, Any]) -> None:
    arguments["directory"] = "/nonexistent/parent/secrets"
    result = run_module("secret_files", arguments, check=True)
    assert result["written"] == ["a.conf", "b.conf"]
    assert not Path("/nonexistent").exists()


def test_the_result_has_no_secret(run_module: RunModule, arguments: dict[str, Any]) -> None:
    assert "geheim" not in str(run_module("secret_files", arguments))


@pytest.mark.parametrize("name", ["../x.conf", "x.txt", ".conf", "a/b.conf"])
def test_names_that_leave_the_directory_are_refused(
    run_module: RunModule, arguments: dict[str, Any], name: str
) -> None:
    arguments["files"] = {name: "x"}
    assert run_module("secret_files", arguments)["failed"] is True
    assert not Path(arguments["directory"]).exists()
