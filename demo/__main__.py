"""``make demo``: the main job from end to end, on simulated cameras, ending in a report with pictures."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

from demo.certificate import renew_under_a_viewer
from demo.family import compare_direct, watch_all
from demo.own_camera import OwnCameraError, parse
from demo.page import show_page
from demo.recordings import show_recording
from demo.report import Report
from demo.stages import Stages
from demo.states import show_states, take_away
from home import Home, PlaybookError, recorder
from home.cloud import Cloud
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
                    cloud = running.enter_context(Cloud(home.inventory.directory, host=home.network.host_address))
                if own:
                    home.inventory.add_camera(own)
                _build(home, cloud, stages, report)
                _live(home, cloud, stages, report)
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


def _build(home: Home, cloud: Cloud, stages: Stages, report: Report) -> None:
    with stages.stage("site.yml", "running playbooks/site.yml on it, as its owner would"):
        recorder.make_shares(home)
        cloud.log_in()
        home.inventory.variables.update(cloud.inventory_variables(), skill_media_metadata=True)
        home.site(echo=True, environment=cloud.environment)
    with stages.stage("second run", "running it again: nothing may change"):
        again = home.site(environment=cloud.environment)
    report.second_run = {"changed": again.changed, "seconds": round(again.seconds, 1)}
    report.versions = home.versions()


def _live(home: Home, cloud: Cloud, stages: Stages, report: Report) -> None:
    """The family links its account and uses what it has."""
    with cloud.function([home.inventory.resolved()]) as function:
        alexa = cloud.link(function.invoke)
        watch_all(home, alexa, stages, report, BUILD)
        gone_at = take_away(home)
        show_recording(home, cloud, alexa, stages, report, directory=BUILD)
        renew_under_a_viewer(home, alexa, stages, report)
        show_states(home, cloud, alexa, stages, report, gone_at=gone_at, directory=BUILD)
        show_page(home, stages, report, BUILD)
    compare_direct(home, cloud, stages, report)


def _keep(home: Home) -> None:
    print(f"\nThe appliance goes on until Ctrl-C.\n{home.how_to_look_around()}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print("stopping", flush=True)


if __name__ == "__main__":
    sys.exit(main())
