"""The module as Ansible runs it: reads, reports, never changes and never fails by itself."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., dict[str, Any]]

ARGUMENTS: dict[str, Any] = {
    "systems": {"nonesuch": ["1"]},
    "machines": ["pdp11"],
    "python": [3, 8],
    "free_megabytes": {"/": 0},
    "listeners": [],
}


def test_it_tells_the_same_each_time_and_changes_nothing(run_module: Run) -> None:
    first, *others = (run_module("appliance_target", ARGUMENTS, check=check) for check in (True, False, True, False))
    assert others == [first] * 3
    assert first["changed"] is False
    assert "failed" not in first
    assert first["problems"][0].startswith("it runs ")
    assert first["problems"][1].startswith("its processor is a ")


def test_a_taken_port_is_a_problem_and_an_odd_address_a_remark(run_module: Run) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        listener = {"what": "stunnel", "listen": f"127.0.0.1:{port}", "units": ["x.service"], "mend": "move it"}
        result = run_module("appliance_target", {**ARGUMENTS, "listeners": [listener], "names": ["localhost"]})
    assert any(f"stunnel needs port {port}" in problem for problem in result["problems"])
    assert any(
        "localhost points to 127.0.0.1, which every device takes for itself" in text for text in result["remarks"]
    )


def test_a_wrong_argument_is_refused(run_module: Run) -> None:
    assert run_module("appliance_target", {})["failed"] is True


def test_a_clock_that_is_off_is_a_remark(run_module: Run) -> None:
    result = run_module("appliance_target", {**ARGUMENTS, "controller_time": "2001-01-01T00:00:00+00:00"})
    assert any("ahead of that of the computer you work at" in text for text in result["remarks"])
    assert run_module("appliance_target", {**ARGUMENTS, "controller_time": "yesterday"})["failed"] is True


def test_it_names_the_packages_that_are_installed_and_no_others(
    run_module: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dpkg-query"
    program.write_text(
        "#!/bin/sh\nprintf 'installed tzdata 2026a\\nconfig-files haproxy 2.6\\nnot-installed stunnel4 \\n'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    facts = run_module("appliance_target", ARGUMENTS)["ansible_facts"]
    assert facts == {"packages": {"tzdata": [{"version": "2026a", "source": "apt"}]}}
