"""What the appliance's services use: processor time, memory, files, tasks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox import Machine

GATEWAY = "alexa-ip-cam-gateway.service"
STUNNEL = "stunnel@alexa-ip-cam.service"

# Runs on the appliance. Fields of /proc/<pid>/stat: proc(5); 14 and 15 are user and system time.
_PROGRAM = """
import json, os, subprocess, sys
found = {}
for unit in sys.argv[1:]:
    words = ["systemctl", "show", "--property=MainPID,NRestarts", unit]
    shown = dict(line.split("=", 1) for line in subprocess.check_output(words, text=True).split())
    pid = int(shown["MainPID"])
    if not pid:
        sys.exit(f"{unit} does not run")
    stat = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
    found[unit] = {
        "pid": pid,
        "restarts": int(shown["NRestarts"]),
        "cpu_s": (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
        "rss_mb": int(status["VmRSS"].split()[0]) / 1024,
        "peak_mb": int(status["VmHWM"].split()[0]) / 1024,
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "tasks": len(os.listdir(f"/proc/{pid}/task")),
    }
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Use:
    """One service now: main process, restarts by systemd, processor seconds so far, memory, open files, threads.

    ``peak_mb``: the most memory that the process ever had.
    """

    pid: int
    restarts: int
    cpu_s: float
    rss_mb: float
    peak_mb: float
    files: int
    tasks: int


def live555(camera_id: str) -> str:
    """The unit of a camera's LIVE555."""
    return f"live555@{camera_id}.service"


def use(machine: Machine, units: Iterable[str]) -> dict[str, Use]:
    """What each unit uses. Raises CommandError when one does not run."""
    printed = machine.run(["python3", "-c", _PROGRAM, *units]).stdout
    return {unit: Use(**values) for unit, values in json.loads(printed).items()}


def cpu_share(before: Mapping[str, Use], after: Mapping[str, Use], units: Iterable[str], seconds: float) -> float:
    """The share of one core that ``units`` took together between two looks ``seconds`` apart."""
    return sum(after[unit].cpu_s - before[unit].cpu_s for unit in units) / seconds
