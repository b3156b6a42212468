"""Run one of the project's playbooks as its owner does, and read what Ansible says at the end."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Recap:
    """The end of a run: sums over all hosts, and the wall time in seconds."""

    ok: int
    changed: int
    failed: int
    seconds: float
    output: str


class PlaybookError(Exception):
    """A run failed; ``recap.output`` has all that Ansible printed."""

    def __init__(self, recap: Recap) -> None:
        """Keep the recap; the message carries the last lines."""
        super().__init__("ansible-playbook failed:\n" + "\n".join(recap.output.splitlines()[-40:]))
        self.recap = recap


def run(
    inventory: Path,
    *arguments: str,
    playbook: str = "playbooks/site.yml",
    echo: bool = False,
    environment: Mapping[str, str] | None = None,
    tree: Path = ROOT,
) -> Recap:
    """Run a playbook (path from the repository's root); raise PlaybookError when it fails.

    ``echo`` copies Ansible's output to standard output while it runs; ``environment`` is what the owner has exported;
    ``tree`` is another version of the repository.
    """
    program = Path(sys.executable).with_name("ansible-playbook")
    argv = [str(program), "-i", str(inventory), playbook, *arguments]
    settings = {"ANSIBLE_CONFIG": str(tree / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    whole = {**os.environ, **settings, **(environment or {})}
    started = time.monotonic()
    lines = []
    with subprocess.Popen(
        argv, cwd=tree, env=whole, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line)
                if echo:
                    print("    " + line, end="", flush=True)
        except BaseException:
            process.terminate()
            raise
    output = "".join(lines)
    totals = [[int(n) for n in match.groups()[1:]] for match in _RECAP.finditer(output)]
    ok, changed, unreachable, failed = (sum(column) for column in zip(*totals, strict=True)) if totals else (0, 0, 0, 0)
    recap = Recap(ok, changed, failed + unreachable, time.monotonic() - started, output)
    if process.returncode != 0:
        raise PlaybookError(recap)
    return recap
