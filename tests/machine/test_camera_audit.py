"""The audit as an owner meets it: in the first runs of site.yml, and by playbooks/audit.yml."""

from __future__ import annotations

import pytest

from home import Home, PlaybookError, Recap, playbook
from machine.support import Runs
from world import Camera

pytestmark = pytest.mark.machine


def audit(home: Home) -> Recap:
    home.inventory.write()
    return playbook.run(home.inventory.directory, playbook="playbooks/audit.yml")


def rows(output: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Level and text of each line of the table, by camera and finding."""
    found = {}
    for line in output.splitlines():
        words = line.split(None, 3)
        if len(words) == 4 and words[1] in ("good", "works", "fails"):
            found[words[0], words[2]] = (words[1], words[3])
    return found


def test_the_first_run_tells_and_the_second_does_not_look_again(runs: Runs) -> None:
    for recap in (runs.check, runs.first):
        for camera in ("front-porch", "driveway", "back-garden", "side-gate"):
            assert f"{camera} " in recap.output
    assert "will not show on an Echo" not in runs.first.output
    # All cameras of the world are fit: nothing is left to tell.
    assert "Tell what the cameras send" in runs.second.output
    assert "pictures a second" not in runs.second.output


def test_the_audit_tells_faults_one_by_one(home: Home) -> None:
    cameras = home.inventory.cameras
    kept, passwords = [dict(camera) for camera in cameras], dict(home.inventory.secrets)
    by_id = {camera["id"]: camera for camera in cameras}
    try:
        by_id["front-porch"]["width"] = 1920
        by_id["driveway"]["audio"] = "aac"
        home.inventory.secrets["vault_side_gate_password"] = "not-the-password"
        home.world.stop_camera("back-garden")
        with pytest.raises(PlaybookError) as stopped:
            audit(home)
    finally:
        cameras[:] = kept
        home.inventory.secrets.update(passwords)
        home.world.start_camera("back-garden")
        home.inventory.write()
    output = stopped.value.recap.output
    found = rows(output)
    assert found["front-porch", "size"][0] == "fails"
    assert "resolution=1920x720" in found["front-porch", "size"][1]
    assert found["front-porch", "profile"] == ("good", "Constrained Baseline, level 3.1")
    assert found["front-porch", "gop"][1] == "a keyframe every 2.1 s (62 pictures)"
    assert found["driveway", "audio"][0] == "fails"
    assert found["side-gate", "credentials"][0] == "fails"
    assert found["back-garden", "reachable"][0] == "fails"
    assert "not-the-password" not in output


def test_other_streams_are_judged_as_they_are(home: Home, unfit: dict[str, Camera]) -> None:
    try:
        for name, camera in unfit.items():
            home.world.start_camera(name)
            home.inventory.add_camera({**camera.inventory(), "name": name})
        with pytest.raises(PlaybookError) as stopped:
            audit(home)
    finally:
        for name in unfit:
            home.inventory.remove_camera(name)
            home.world.stop_camera(name)
        home.inventory.write()
    found = rows(stopped.value.recap.output)
    assert found["high", "profile"][0] == "fails"
    assert found["long", "gop"][0] == "fails"
    assert {level for (camera, _), (level, _) in found.items() if camera == "front-porch"} == {"good"}
