"""From a recording on the appliance to its clip behind a signed URL, and who does not get it."""

from __future__ import annotations

import dataclasses
import random
import re
import string
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from alexa_ip_cam.media_id import clip_path, parse_media_id
from alexa_ip_cam.signing import derive_key, sign_clip_uri
from home import Home, playbook
from home.inventory import CLIPS_NAME, STREAMS_NAME
from machine.clip_client import ClipClient
from unit.recordings.axis_tree import AxisRecording

pytestmark = pytest.mark.machine

UNIT = "alexa-ip-cam-events.service"
CLIPS = "/srv/alexa-ip-cam/clips"
SPOOL = "/var/spool/alexa-ip-cam"
SECONDS = 4
PATIENCE = 60.0


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Call ``films("name.mkv", codec="libx264")`` for a film of a few seconds."""
    folder = tmp_path_factory.mktemp("films")

    def make(name: str, codec: str = "libx264") -> Path:
        path: Path = folder / name
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15"]
        command += ["-t", str(SECONDS), "-c:v", codec, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "30"]
        subprocess.run([*command, path], check=True)
        return path

    return make


def clips(home: Home, camera_id: str) -> set[str]:
    """Paths of a camera's clips, below the directory that is served."""
    found = home.appliance.run(["find", f"{CLIPS}/{camera_id}", "-name", "*.mp4"], check=False).stdout
    return {path.removeprefix(CLIPS) for path in found.split()}


def wait_for_clip(home: Home, camera_id: str, before: set[str] = frozenset()) -> str:  # type: ignore[assignment]
    """The path of the camera's next clip."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if new := clips(home, camera_id) - before:
            (path,) = new
            return path
        time.sleep(0.3)
    raise AssertionError(home.appliance.journal(UNIT))


@dataclasses.dataclass(frozen=True)
class Told:
    """A clip and what its name says."""

    uri: str
    length: timedelta
    start: datetime

    def signed(self, home: Home, *, minutes: float = 5, uri: str = "", purpose: str = "clips") -> str:
        """The path and query to ask for; `uri` is signed in its place."""
        key = derive_key(home.inventory.secrets["vault_signing_key"], purpose).hex()[:40]
        return f"{self.uri}?{sign_clip_uri(key, uri or self.uri, datetime.now(UTC) + timedelta(minutes=minutes))}"


def told(home: Home, path: str) -> Told:
    key = derive_key(home.inventory.secrets["vault_signing_key"], "media")
    media = parse_media_id(key, Path(path).stem)
    assert clip_path(media, Path(path).stem) == f"/clips{path}"
    return Told(f"/clips{path}", media.length, media.start)


@pytest.fixture(scope="module")
def axis_recording(films: Callable[..., Path]) -> Callable[[Path], AxisRecording]:
    start = datetime.now(UTC) - timedelta(seconds=SECONDS + 1)
    film = films("block.mkv")
    return lambda root: AxisRecording(root, ZoneInfo("Europe/Berlin"), start, film)


@pytest.fixture
def clip(home: Home, axis_recording: Callable[[Path], AxisRecording], tmp_path: Path) -> Told:
    """The clip of a recording that an Axis camera wrote to the appliance."""
    if not clips(home, "front-porch"):
        written = axis_recording(tmp_path / "axis-ACCC8E000001").write(seconds=SECONDS)
        home.appliance.push(written.root, "/srv/recordings/axis-ACCC8E000001")
        assert written.start == told(home, wait_for_clip(home, "front-porch")).start.replace(
            microsecond=written.start.microsecond
        )
    (path,) = clips(home, "front-porch")
    return told(home, path)


def test_the_service_runs_and_knows_its_cameras(home: Home) -> None:
    shown = home.appliance.run(["systemctl", "show", UNIT, "-p", "ActiveState,NRestarts,StatusText"]).stdout
    assert f"StatusText={len(home.inventory.cameras)} cameras" in shown
    assert "ActiveState=active" in shown
    assert "NRestarts=0" in shown


def test_a_recording_becomes_a_clip_of_its_length(clip: Told) -> None:
    assert abs(clip.length - timedelta(seconds=SECONDS)) < timedelta(milliseconds=100)


def test_ffmpeg_plays_it_from_the_first_second_through_port_443(home: Home, clip: Told, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{home.appliance.address} {CLIPS_NAME}\n")
    # It sends a name in its greeting only when it has to look the name up itself: in a place where that can be done.
    place = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']
    command = [*place, str(hosts), "ffmpeg", "-v", "error", "-tls_verify", "1", "-ca_file", str(home.roots_pem)]
    url = f"https://{CLIPS_NAME}{clip.signed(home)}"
    for seek, pictures in ((0, SECONDS * 15), (2, (SECONDS - 2) * 15)):
        asked = [*command, "-ss", str(seek), "-i", url, "-map", "0:v", "-f", "framemd5", "-"]
        done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30)
        assert len([line for line in done.stdout.splitlines() if not line.startswith("#")]) == pictures
        assert done.stderr == ""


def test_ranges(home: Home, clip: Told) -> None:
    with ClipClient(home) as client:
        whole = client.get(clip.signed(home))
        part = client.get(clip.signed(home), Range="bytes=100-199")
        tail = client.get(clip.signed(home), Range="bytes=-50")
    assert (whole.status, whole.headers["content-type"]) == (200, "video/mp4")
    assert whole.body.index(b"moov") < whole.body.index(b"mdat")
    assert (part.status, part.body) == (206, whole.body[100:200])
    assert (tail.status, tail.body) == (206, whole.body[-50:])


def refused(home: Home, clip: Told) -> dict[str, str]:
    """Targets that must not be served, by what is wrong with them."""
    good = clip.signed(home)
    path, _, query = good.partition("?")
    other = clip.uri.replace("/front-porch/", "/driveway/")
    return {
        "unsigned": path,
        "expired": clip.signed(home, minutes=-1),
        "signed for another camera": clip.signed(home, uri=other),
        "signed for snapshots": clip.signed(home, purpose="snapshots"),
        "the directory": f"{path.rpartition('/')[0]}/?{query}",
        "up and down": path.replace("/clips/", "/clips/driveway/../../snapshots/../clips/../") + f"?{query}",
        "outside": f"/clips/../../../../etc/passwd?{query}",
        "outside, encoded": f"/clips/%2e%2e/%2e%2e/%2e%2e/etc/passwd?{query}",
        "encoded slashes": path.replace("/front-porch/", "%2Ffront-porch%2F") + f"?{query}",
        "doubly encoded": path.replace("/front-porch/", "%252Ffront-porch%252F") + f"?{query}",
        "a part": path.replace(".mp4", ".mp4.part") + f"?{query}",
    }


def test_nobody_else_gets_it(home: Home, clip: Told) -> None:
    with ClipClient(home) as client:
        answers = {name: client.get(target).status for name, target in refused(home, clip).items()}
        assert client.get(clip.signed(home)).status == 200
    assert {name: status for name, status in answers.items() if status not in {400, 403, 404}} == {}


def test_no_other_path_opens_with_its_signature(home: Home, clip: Told) -> None:
    """Some hundreds of paths that begin as the clip's own, with its query."""
    dice = random.Random(5)  # noqa: S311 - the same paths every time
    path, _, query = clip.signed(home).partition("?")
    pieces = [*string.ascii_letters, *string.digits, *"/.%-_~;:@&=+$,!*'()", "%2f", "%00", "..", "/../", "//", ""]
    served = []
    with ClipClient(home) as client:
        for _ in range(400):
            letters = list(path)
            for _ in range(dice.randint(1, 4)):
                letters[dice.randrange(1, len(letters))] = dice.choice(pieces)
            fuzzed = "".join(letters)
            if fuzzed != path and client.get(f"{fuzzed}?{query}").status in {200, 206}:
                served.append(fuzzed)
    # Apache takes "/./" and "//" out of a path before it looks at the signature: the same file, not another one.
    assert [one for one in served if re.sub(r"/(\.?/)+", "/", one) != path] == []


def test_an_upload_that_grows_is_waited_for(home: Home, films: Callable[..., Path]) -> None:
    name = f"Driveway_00_{datetime.now(UTC):%Y%m%d%H%M%S}.mp4"
    home.appliance.push(films("upload.mp4"), "/tmp/upload.mp4")
    slow = (
        "mkdir -p /srv/recordings/driveway && (head -c 20000 /tmp/upload.mp4; sleep 4; tail -c +20001 /tmp/upload.mp4)"
    )
    home.appliance.run(["sh", "-c", f"{slow} > /srv/recordings/driveway/{name}"])
    clip = told(home, wait_for_clip(home, "driveway"))
    assert abs(clip.length - timedelta(seconds=SECONDS)) < timedelta(milliseconds=100)
    assert (
        home.appliance.run(["sha256sum", f"/srv/recordings/driveway/{name}", "/tmp/upload.mp4"]).stdout.split()[::2]
        == [home.appliance.run(["sha256sum", "/tmp/upload.mp4"]).stdout.split()[0]] * 2
    )


def test_any_recorder_can_announce_with_the_command(home: Home, films: Callable[..., Path]) -> None:
    """As a user who is in the group, and one who is not."""
    home.appliance.push(films("hook.mp4"), "/srv/recordings/hook.mp4")
    home.appliance.run(["useradd", "--system", "--groups", "alexa-recorders", "recorder"])
    announce = ["alexa-ip-cam-event", "--camera", "back-garden", "--file", "/srv/recordings/hook.mp4"]
    refused = home.appliance.run(["runuser", "-u", "nobody", "--", *announce], check=False)
    assert refused.returncode == 1
    assert "alexa-recorders" in refused.stderr
    home.appliance.run(["runuser", "-u", "recorder", "--", *announce, "--cause", "person"])
    clip = told(home, wait_for_clip(home, "back-garden"))
    assert "_person_" in clip.uri
    home.appliance.run(["runuser", "-u", "recorder", "--", *announce])  # the hook is run again
    time.sleep(2)
    assert len(clips(home, "back-garden")) == 1
    assert home.appliance.run(["find", SPOOL, "-type", "f"]).stdout == ""


def test_what_cannot_be_a_clip_is_listed_with_the_reason_and_kept(home: Home, films: Callable[..., Path]) -> None:
    name = f"Driveway_00_{datetime.now(UTC) - timedelta(seconds=1):%Y%m%d%H%M%S}.mp4"
    home.appliance.push(films("hevc.mp4", "libx265"), f"/srv/recordings/driveway/{name}")
    end = time.monotonic() + PATIENCE
    while "H.265" not in (listed := home.appliance.run(["alexa-ip-cam-events", "list"]).stdout):
        assert time.monotonic() < end, listed
        time.sleep(0.5)
    assert home.appliance.run(["test", "-s", f"/srv/recordings/driveway/{name}"]).returncode == 0


def test_a_share_that_is_mounted_later_is_seen(home: Home, films: Callable[..., Path]) -> None:
    """The unit has a view of its own of the file system."""
    drop = "/srv/recordings/driveway"
    before = clips(home, "driveway")
    home.appliance.push(films("share.mp4"), "/tmp/share.mp4")
    home.appliance.run(["mkdir", "-p", drop])
    home.appliance.run(["mount", "-t", "tmpfs", "tmpfs", drop])
    try:
        name = f"Driveway_00_{datetime.now(UTC) - timedelta(seconds=2):%Y%m%d%H%M%S}.mp4"
        home.appliance.run(["cp", "/tmp/share.mp4", f"{drop}/{name}"])
        assert wait_for_clip(home, "driveway", before)
    finally:
        home.appliance.run(["umount", "--lazy", drop])


@pytest.mark.usefixtures("clip")
def test_a_kill_doubles_nothing(home: Home) -> None:
    before = {camera["id"]: clips(home, camera["id"]) for camera in home.inventory.cameras}
    home.appliance.run(["systemctl", "kill", "--signal", "KILL", "--kill-whom", "main", UNIT])
    end = time.monotonic() + PATIENCE
    while home.appliance.run(["systemctl", "is-active", UNIT], check=False).stdout.strip() != "active":
        assert time.monotonic() < end, home.appliance.journal(UNIT)
        time.sleep(0.3)
    time.sleep(4)
    assert {camera["id"]: clips(home, camera["id"]) for camera in home.inventory.cameras} == before


def test_the_skills_store_is_taken_in_and_kept(home: Home, tmp_path: Path) -> None:
    """By the tasks that the skill's playbook calls; a run of site.yml later leaves it."""
    store = {
        "table": "cams",
        "region": "eu-west-1",
        "site": STREAMS_NAME,
        "endpoint_url": "http://127.0.0.1:9",
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": "wJalrXUtnFEMIexample",
    }
    role = {"name": "events", "tasks_from": "store"}
    task = {"name": "Store", "ansible.builtin.include_role": role, "vars": {"events_store": store}}
    book = tmp_path / "store.yml"
    book.write_text(yaml.safe_dump([{"name": "Store", "hosts": "appliance", "gather_facts": False, "tasks": [task]}]))
    first = playbook.run(home.inventory.directory, "--diff", playbook=str(book))
    assert first.changed > 0
    assert "wJalr" not in first.output
    assert playbook.run(home.inventory.directory, playbook=str(book)).changed == 0
    again = home.site("--tags", "events")
    assert again.changed == 0, again.output
    assert home.appliance.run(["systemctl", "is-active", UNIT]).stdout.strip() == "active"
    where = home.appliance.run(["grep", "-rl", "wJalr", "/etc", "/run/alexa-ip-cam-events", "/var/lib"], check=False)
    assert where.stdout.split() == ["/etc/alexa-ip-cam/events-store.json"]
    assert home.appliance.run(["stat", "-c", "%a", where.stdout.strip()]).stdout.strip() == "600"
