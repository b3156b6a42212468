"""Our Ansible modules are documented, and say truthfully what they support."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from static.project import ROOT, files_below

MODULES = [path.stem for path in files_below("library", ".py")]


@functools.cache
def documentation() -> dict[str, Any]:
    program = Path(sys.executable).with_name("ansible-doc")
    argv: list[str | Path] = [program, "-t", "module", "-M", ROOT / "library", "--json", *MODULES]
    shown: dict[str, Any] = json.loads(
        subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )
    return shown


@pytest.mark.parametrize("name", MODULES)
def test_documentation_renders_and_is_whole(name: str) -> None:
    page = documentation()[name]
    assert page["doc"]["short_description"]
    assert page["doc"]["description"]
    assert page["examples"]
    assert page["return"]


@pytest.mark.parametrize("name", MODULES)
def test_support_of_check_and_diff_mode_is_stated(name: str) -> None:
    attributes = documentation()[name]["doc"]["attributes"]
    assert {attributes[mode]["support"] for mode in ("check_mode", "diff_mode")} <= {"full", "partial", "none"}
    # One that runs inside Ansible has its code in an action plugin of the same name.
    sources = [ROOT / f"library/{name}.py", *ROOT.glob(f"roles/*/action_plugins/{name}.py")]
    text = "".join(source.read_text() for source in sources)
    claims = "supports_check_mode=True" in text or "_supports_check_mode = True" in text
    assert claims == (attributes["check_mode"]["support"] != "none")
    assert ("diff=" in text or '["diff"]' in text) == (attributes["diff_mode"]["support"] != "none")
