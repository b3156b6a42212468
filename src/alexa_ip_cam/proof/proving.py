"""The proof itself: look at what is served, have the deploy hooks try again when it is wrong, write down the result."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexa_ip_cam.proof import on_disk, served, verdict
from alexa_ip_cam.proof.on_disk import OnDisk
from alexa_ip_cam.proof.served import Look
from alexa_ip_cam.proof.settings import Settings

_HOOK_SECONDS = 120.0


@dataclass(frozen=True)
class Proof:
    """What was found. `hooks` is what the deploy hooks said, when they were asked to try again."""

    disk: OnDisk | None
    looks: Sequence[Look]
    problems: Sequence[str]
    hooks: str = ""

    @property
    def text(self) -> str:
        """All that is wrong, for the owner."""
        said = f" A deploy hook said: {self.hooks}" if self.hooks else ""
        return " ".join(self.problems) + said


def prove(settings: Settings) -> Proof:
    """Look, and once more after the deploy hooks when something is wrong.

    Raises:
        OSError: the roots cannot be read.
    """
    proof = _look(settings)
    if proof.problems and proof.disk is not None:
        said = run_hooks(settings)
        again = _look(settings)
        proof = Proof(again.disk, again.looks, again.problems, said)
    return proof


def _look(settings: Settings) -> Proof:
    try:
        disk = on_disk.read(settings.lineage)
    except ValueError as error:
        return Proof(None, [], [str(error)])
    looks = [served.look(settings.address, settings.port, name, settings.roots) for name in settings.names]
    return Proof(disk, looks, verdict.problems(looks, disk.leaf if disk else b"", time.time()))


def run_hooks(settings: Settings) -> str:
    """Run certbot's deploy hooks as certbot does after a renewal; returns what those said that failed."""
    environment = {
        **os.environ,
        "RENEWED_LINEAGE": str(settings.lineage),
        "RENEWED_DOMAINS": " ".join(settings.names),
    }
    said = []
    for hook in sorted((settings.config_dir / "renewal-hooks/deploy").glob("*[!~]")):
        if not hook.is_file() or not os.access(hook, os.X_OK):
            continue
        try:
            done = subprocess.run(
                [hook], env=environment, capture_output=True, text=True, timeout=_HOOK_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            said.append(f"{hook.name}: {error}")
            continue
        if done.returncode != 0:
            said.append((done.stderr or done.stdout).strip() or f"{hook.name} failed")
    return " / ".join(said)


def report(proof: Proof, now: float) -> dict[str, Any]:
    """The result for other programs: times in Unix seconds, shares from 1 (new) to 0 (expired)."""
    lifetime = proof.disk.lifetime if proof.disk else None
    return {
        "at": now,
        "ok": not proof.problems,
        "problems": list(proof.problems),
        "chain": list(proof.disk.issuers) if proof.disk else [],
        "expires": lifetime.end if lifetime else None,
        "days_left": round(lifetime.days_left(now), 3) if lifetime else None,
        "share_left": round(lifetime.share_left(now), 4) if lifetime else None,
        "renewed_from": lifetime.end - lifetime.renew_hours_before_end * 3600 if lifetime else None,
        "should_renew": lifetime.should_renew(now) if lifetime else None,
        "names": {
            look.name: {
                "serial": look.serial,
                "as_on_disk": proof.disk is not None and look.leaf == proof.disk.leaf,
                "refused": look.problem or None,
            }
            for look in proof.looks
        },
    }


def write(path: Path, value: object) -> None:
    """Write JSON in one step.

    Raises:
        OSError: it cannot be written.
    """
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    scratch.chmod(0o644)
    scratch.replace(path)
