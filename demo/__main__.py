"""``make demo``: the main job from end to end, on simulated cameras, ending in a report with pictures."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

from demo.family import watch_all
from demo.own_camera import OwnCameraError, parse
from demo.report import Report
from demo.stages import Stages
from home import Home, PlaybookError
from sandbox import SandboxError

BUILD = Path(__file__).resolve().parent.parent / "build" / "demo"


def main() -> int:
    """Run the demo; 0 when every sentence of the family got its picture."""
    try:
        # Taken out of the environment at once: what is started from here must not inherit a password.
        own = parse(os.environ.pop("CAMERA", ""))
    except OwnCameraError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    report = Report()
    stages = Stages(report.durations_s)
    try:
        with contextlib.ExitStack() as running:
            with stages.whole():
                with stages.stage("world and appliance", "booting a virgin Debian and the world around it"):
                    home = running.enter_context(Home("demo", BUILD / "home"))
                if own:
                    home.inventory.add_camera(own)
                _build(home, stages, report)
                watch_all(home, stages, report, BUILD)
            data, page = report.write(BUILD)
            print(f"\nreport: {data}\npage:   {page}", flush=True)
            if os.environ.get("KEEP") == "1":
                _keep(home)
    except PlaybookError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except SandboxError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 2
    return 0


def _build(home: Home, stages: Stages, report: Report) -> None:
    with stages.stage("site.yml", "running playbooks/site.yml on it, as its owner would"):
        home.site(echo=True)
    with stages.stage("second run", "running it again: nothing may change"):
        again = home.site()
    report.second_run = {"changed": again.changed, "seconds": round(again.seconds, 1)}
    report.versions = home.versions()


def _keep(home: Home) -> None:
    print(f"\nThe appliance goes on until Ctrl-C.\n{home.how_to_look_around()}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print("stopping", flush=True)


if __name__ == "__main__":
    sys.exit(main())
