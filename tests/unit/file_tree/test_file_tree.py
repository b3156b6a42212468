"""The module that installs a Python package in one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., dict[str, Any]]
WANTED = {"__init__.py": "", "sub/one.py": "x = 1\n"}


def arguments(root: Path, files: dict[str, str] | None = None) -> dict[str, Any]:
    return {"dest": str(root), "files": WANTED if files is None else files}


def contents(root: Path) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text() for p in root.rglob("*") if p.is_file()}


def test_check_do_check_do(run_module: Run, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    assert run_module("file_tree", arguments(root), check=True)["changed"] is True
    assert not root.exists()
    assert run_module("file_tree", arguments(root))["written"] == ["__init__.py", "sub/one.py"]
    assert contents(root) == WANTED
    assert run_module("file_tree", arguments(root), check=True)["changed"] is False
    assert run_module("file_tree", arguments(root))["changed"] is False


def test_removes_what_is_not_wanted_and_empty_directories(run_module: Run, tmp_path: Path) -> None:
    run_module("file_tree", arguments(tmp_path, {**WANTED, "old/gone.py": ""}))
    result = run_module("file_tree", arguments(tmp_path))
    assert result["removed"] == ["old/gone.py"]
    assert contents(tmp_path) == WANTED
    assert not (tmp_path / "old").exists()


def test_mends_a_changed_file_and_a_link(run_module: Run, tmp_path: Path) -> None:
    run_module("file_tree", arguments(tmp_path))
    (tmp_path / "__init__.py").write_text("tampered")
    (tmp_path / "sub/one.py").unlink()
    (tmp_path / "sub/one.py").symlink_to("/dev/null")
    assert run_module("file_tree", arguments(tmp_path))["written"] == ["__init__.py", "sub/one.py"]
    assert not (tmp_path / "sub/one.py").is_symlink()
    assert contents(tmp_path) == WANTED


def test_refuses_to_leave_the_tree(run_module: Run, tmp_path: Path) -> None:
    result = run_module("file_tree", arguments(tmp_path / "tree", {"../evil.py": ""}))
    assert result["failed"] is True
    assert "../evil.py" in result["msg"]
    assert not (tmp_path / "evil.py").exists()


def test_files_are_readable_by_services(run_module: Run, tmp_path: Path) -> None:
    run_module("file_tree", arguments(tmp_path))
    assert (tmp_path / "sub/one.py").stat().st_mode & 0o777 == 0o644
