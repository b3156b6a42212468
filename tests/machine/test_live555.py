"""The role live555 alone on a throwaway Debian machine, with cameras of the world."""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from home import playbook
from machine.live555_builds import pinned_source
from machine.live555_rig import Rig, frame_numbers, seconds_until_media
from machine.rtsp_probe import RtspProbe
from sandbox import Machine, Network, cache_dir, debian_root, suite_from_env
from world import PROFILES, World

pytestmark = pytest.mark.machine

FRONT, BIG, OTHER = "front-porch", "back-garden", "side-gate"
LIBRARIES = ("BasicUsageEnvironment", "UsageEnvironment", "groupsock", "liveMedia")
Runs = tuple[playbook.Recap, playbook.Recap, playbook.Recap]


@pytest.fixture(scope="module")
def virgin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    suite = suite_from_env()
    # A place of its own: the builds of these tests would push those of the others out.
    builds = cache_dir() / "live555-role" / suite
    builds.mkdir(parents=True, exist_ok=True)
    profiles = {camera_id: PROFILES[camera_id] for camera_id in (FRONT, BIG, OTHER)}
    with (
        Network("live555") as net,
        World(net, profiles=profiles) as world,
        Machine(
            net,
            "appliance",
            number=10,
            root=debian_root(suite),
            binds={builds: "/var/cache/alexa-ip-cam/live555"},
        ) as appliance,
    ):
        rig = Rig(world, appliance, tmp_path_factory.mktemp("rig"), {})
        rig.variables["cameras"] = rig.cameras(FRONT, BIG)
        yield rig


@pytest.fixture(scope="module")
def runs(virgin: Rig) -> Runs:
    """Check mode on the virgin machine, the first run, the second."""
    return virgin.apply("--check", "--diff"), virgin.apply("--diff"), virgin.apply("--diff")


@pytest.fixture
def rig(virgin: Rig, runs: Runs) -> Rig:
    """The machine with the role applied; tests leave it as they found it."""
    assert runs[2].failed == 0
    return virgin


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive laid out as LIVE555's makers publish it, from the pinned source's libraries."""
    target = tmp_path_factory.mktemp("tarball") / "live.tar"
    with tarfile.open(pinned_source()) as source, tarfile.open(target, "w") as archive:
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            parts = member.name.split("/")
            if member.isfile() and len(parts) > 1 and parts[1] in LIBRARIES:
                content = source.extractfile(member)
                assert content is not None
                packed = tarfile.TarInfo("/".join(["live", *parts[1:]]))
                packed.size = member.size
                archive.addfile(packed, content)
        extra = tarfile.TarInfo("live/proxyServer/live555ProxyServer.cpp")
        archive.addfile(extra, io.BytesIO(b""))
    return target


def _source(archive: Path) -> dict[str, str]:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return {"live555_source": str(archive), "live555_source_sha256": digest}


def test_check_mode_on_a_virgin_machine_is_clean_and_the_second_run_changes_nothing(runs: Runs) -> None:
    check, first, second = runs
    assert check.failed == 0
    assert check.changed > 0
    assert first.changed > 0
    assert second.changed == 0


def test_only_this_machine_can_reach_it(rig: Rig) -> None:
    sockets = rig.appliance.run(["ss", "-Hltunp"]).stdout.splitlines()
    ours = [line.split()[4] for line in sockets if "live555-proxy" in line]
    assert {address.rpartition(":")[0] for address in ours} == {"127.0.0.1"}
    with pytest.raises(OSError, match="refused"):
        RtspProbe(rig.appliance.address, rig.port(FRONT), FRONT)


def test_no_password_shows_anywhere(rig: Rig, runs: Runs) -> None:
    password = rig.world.cameras[FRONT].password
    assert password
    lists = [["ps", "axeww"], ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"], ["journalctl", "--no-pager"]]
    for argv in lists:
        text = rig.appliance.run(argv).stdout
        assert "live555-proxy" in text
        assert password not in text
    assert all(password not in run.output for run in runs)
    modes = rig.appliance.run(["stat", "-c", "%a %U", f"/etc/alexa-ip-cam/live555/{FRONT}.conf"]).stdout
    assert modes == "600 root\n"


def test_its_units_are_shut_in(rig: Rig) -> None:
    told = rig.appliance.run(["systemd-analyze", "security", f"live555@{FRONT}.service"], check=False).stdout
    exposure = re.search(r"Overall exposure level.*: ([0-9.]+)", told)
    assert exposure is not None
    assert float(exposure.group(1)) <= 2.0


def test_a_large_keyframe_passes_whole_and_is_cut_by_a_small_buffer(rig: Rig) -> None:
    passed, sent = rig.keyframe(BIG)
    assert 350_000 <= len(sent) <= 400_000
    assert passed == sent
    try:
        assert rig.apply(live555_out_packet_buffer_bytes=100000).failed == 0
        cut, sent = rig.keyframe(BIG)
        assert len(cut) < len(sent)
        assert "trailing data will be dropped" in rig.appliance.journal(f"live555@{BIG}.service")
    finally:
        rig.apply()
    passed, sent = rig.keyframe(BIG)
    assert passed == sent


def test_an_archive_of_the_makers_layout_is_built_and_serves(rig: Rig, tarball: Path) -> None:
    try:
        # A size of its own, to tell its build from that of the pinned source, which is the same to the byte.
        rig.apply(**_source(tarball), live555_out_packet_buffer_bytes=500000)
        assert "frames of up to 500000 bytes pass" in rig.appliance.journal(f"live555@{BIG}.service")
        passed, sent = rig.keyframe(BIG)
        assert passed == sent
    finally:
        rig.apply()


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_an_archive_with_another_hash_changes_nothing(rig: Rig, tarball: Path, scheme: str) -> None:
    before = rig.state()
    with pytest.raises(playbook.PlaybookError) as caught:
        rig.apply(live555_source=f"{scheme}{tarball}", live555_source_sha256="0" * 64)
    assert "0" * 64 in caught.value.recap.output
    assert caught.value.recap.changed == 0
    assert rig.state() == before


def test_a_source_that_the_patch_does_not_fit_changes_nothing(rig: Rig, tarball: Path, tmp_path: Path) -> None:
    misfit = tmp_path / "misfit.tar"
    text = tarball.read_bytes()
    misfit.write_bytes(text.replace(b"unsigned OutPacketBuffer::maxSize", b"unsigned OutPacketBuffer::mx_Size"))
    before = rig.state()
    with pytest.raises(playbook.PlaybookError, match="this source does not match"):
        rig.apply(**_source(misfit))
    assert rig.state() == before


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"live555_source": "/nonexistent.tar.gz"}, "belong together"),
        ({"live555_source": "/x.tar.gz", "live555_source_sha256": "abc"}, "64 hexadecimal digits"),
        ({"live555_out_packet_buffer_bytes": 1000}, "give 60000 to 10000000"),
        ({"cameras": [{"id": "Front", "url": "rtsp://camera/"}]}, "Each camera needs an id"),
        ({"cameras": [{"id": "front", "url": "http://camera/"}]}, "Each camera needs an id"),
        ({"cameras": [{"id": n, "url": "rtsp://camera/", "port": 20123} for n in "ab"]}, "that no other camera has"),
    ],
)
def test_bad_input_is_told_before_anything_changes(rig: Rig, changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(playbook.PlaybookError) as caught:
        rig.apply(**changes)
    assert complaint in " ".join(caught.value.recap.output.split())
    assert caught.value.recap.changed == 0


def test_adding_and_removing_a_camera_leaves_a_viewer_of_another_alone(rig: Rig) -> None:
    numbers: list[int] = []
    with rig.tunnel(FRONT) as local, RtspProbe("127.0.0.1", local, FRONT) as viewer:
        viewer.start()
        watching = threading.Thread(target=lambda: numbers.extend(frame_numbers(viewer, 30)))
        watching.start()
        rig.apply(cameras=rig.cameras(FRONT, BIG, OTHER))
        added = rig.shown(OTHER, "ActiveState")
        kept = rig.pid(BIG)
        changed = [
            {**camera, "transport": "udp"} if camera["id"] == BIG else camera for camera in rig.cameras(FRONT, BIG)
        ]
        rig.apply(cameras=changed)
        removed = rig.shown(OTHER, "ActiveState"), rig.shown(OTHER, "UnitFileState")
        moved = rig.pid(BIG)
        watching.join()
    rig.apply()
    assert added == "active"
    assert removed == ("inactive", "disabled")
    assert moved != kept
    assert rig.appliance.run(["ls", "/etc/alexa-ip-cam/live555"]).stdout.split() == [f"{BIG}.conf", f"{FRONT}.conf"]
    # A busy machine may make the camera skip a picture now and then; a viewer that was cut off would lose many more.
    assert max(later - number for number, later in itertools.pairwise(numbers)) < 15
    assert len(numbers) > 700  # 30 pictures a second for 30 seconds


def test_a_taken_port_is_told_with_the_camera(rig: Rig) -> None:
    squatter = ["systemd-run", "--unit=squatter", "systemd-socket-activate", "--listen=127.0.0.1:20555", "/bin/cat"]
    rig.appliance.run(squatter)
    try:
        with pytest.raises(playbook.PlaybookError) as caught:
            rig.apply(cameras=[*rig.cameras(FRONT, BIG), {**rig.cameras(OTHER)[0], "port": 20555}])
    finally:
        rig.appliance.run(["systemctl", "stop", "squatter"])
        rig.apply()
    told = " ".join(caught.value.recap.output.split())
    assert f"camera {OTHER}" in told
    assert "cannot listen on 127.0.0.1 port 20555" in told
    assert f"journalctl -u live555@{OTHER}.service" in told


def test_a_camera_that_goes_and_comes_back_is_served_again_within_seconds(rig: Rig) -> None:
    with rig.tunnel(FRONT) as local:
        viewer = RtspProbe("127.0.0.1", local, FRONT)
        viewer.start()
        next(viewer.nal_units(5))
        rig.world.kill_camera(FRONT)
        assert viewer.wait_until_closed(5) < 5
        time.sleep(4)
        rig.world.start_camera(FRONT)
        back = seconds_until_media(local, FRONT, 10)

        viewer = RtspProbe("127.0.0.1", local, FRONT)
        viewer.start()
        next(viewer.nal_units(5))
        rig.world.hang_camera(FRONT)
        try:
            assert viewer.wait_until_closed(12) < 10
        finally:
            rig.world.resume_camera(FRONT)
        resumed = seconds_until_media(local, FRONT, 15)
    assert back < 5
    # The simulated camera may sit still until its next RTCP report, 5 s apart (world/camera/unblock.py).
    assert resumed < 10
