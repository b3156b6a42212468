"""From a recording on the appliance to its clip behind a signed URL, and who does not get it."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from alexa_ip_cam.media_id import clip_path, parse_media_id
from alexa_ip_cam.signing import derive_key, sign_clip_uri
from browser import Chromium
from browser.chromium import played
from home import Home, playbook
from home.inventory import CLIPS_NAME, STREAMS_NAME
from machine.clip_client import ClipClient
from machine.fuzzing import RawClient, fuzzed_targets, is_same
from unit.recordings.axis_tree import AxisRecording

pytestmark = pytest.mark.machine

UNIT = "alexa-ip-cam-events.service"
CLIPS = "/srv/alexa-ip-cam/clips"
SPOOL = "/var/spool/alexa-ip-cam"
SECONDS = 4
PATIENCE = 60.0
FUZZED = 10_000


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


def test_a_browser_plays_it_from_its_first_picture(home: Home, clip: Told, tmp_path: Path) -> None:
    small = "scale=64:48:flags=area"
    command = ["ffmpeg", "-v", "error", "-i", "-", "-vf", small, "-pix_fmt", "rgba", "-f", "rawvideo", "-"]
    with ClipClient(home) as client:
        body = client.get(clip.signed(home)).body
    (tmp_path / "clip.mp4").write_bytes(body)
    command[command.index("-")] = str(tmp_path / "clip.mp4")
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    pictures = [raw[at : at + 64 * 48 * 4] for at in range(0, len(raw), 64 * 48 * 4)]
    assert len(pictures) == SECONDS * 15
    with Chromium({CLIPS_NAME: home.appliance.address}, home.roots_pem) as chromium, chromium.page() as page:
        answer = page.goto(f"https://{CLIPS_NAME}{clip.signed(home)}")
        assert answer is not None
        assert answer.status == 200
        shown = bytes(page.evaluate(_FIRST_PICTURE))
        differences = [sum(abs(a - b) for a, b in zip(shown, one, strict=True)) / len(one) for one in pictures]
        assert differences.index(min(differences)) == 0, differences
        seen = played(page, seconds=2.0)
        assert seen["start"] < 0.1
        assert seen["width"] == 320
        for target in (clip.signed(home, minutes=-1), clip.signed(home, purpose="snapshots")):
            refused = page.goto(f"https://{CLIPS_NAME}{target}")
            assert refused is not None
            assert refused.status == 403


# What the player shows before it is started, as 64 x 48 points of red, green, blue and opacity.
_FIRST_PICTURE = """async () => {
    const video = document.querySelector('video');
    video.pause();
    video.currentTime = 0;
    for (let tries = 0; tries < 100 && (video.seeking || video.readyState < 2); tries++)
        await new Promise(done => setTimeout(done, 50));
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [64, 48];
    const drawing = canvas.getContext('2d');
    drawing.imageSmoothingQuality = 'high';
    drawing.drawImage(video, 0, 0, 64, 48);
    return Array.from(drawing.getImageData(0, 0, 64, 48).data);
}"""


def test_no_other_path_opens_anything(home: Home, clip: Told) -> None:
    """Ten thousand targets that somebody might try who has one signed URL, the same ones every time."""
    secrets = [b"root:", b"[Unit]", b"#!/", b"moov", b"mdat", b"BEGIN "]
    served, odd = [], []
    asked = Counter[int]()
    with RawClient(home) as client:
        for target in fuzzed_targets(clip.signed(home), FUZZED, seed=5):
            answer = client.get(target)
            asked[answer.status] += 1
            if answer.status in {200, 206}:
                served.append(target)
            elif answer.status not in {400, 403, 404, 408, 414} or any(word in answer.body for word in secrets):
                odd.append((target, answer))
        assert client.get(clip.signed(home).encode()).status == 200
    assert odd == []
    # Apache takes "/./" and "//" out of a path, and decodes what needs no code, before it looks at the signature: the
    # same file by another spelling, not another one.
    assert [one for one in served if not is_same(one, clip.signed(home))] == []
    assert sum(asked.values()) == FUZZED
    assert asked[403] > FUZZED / 3, asked


def test_an_upload_that_grows_is_waited_for(home: Home, films: Callable[..., Path]) -> None:
    name = f"Driveway_00_{datetime.now(UTC):%Y%m%d%H%M%S}.mp4"
    home.appliance.push(films("upload.mp4"), "/tmp/upload.mp4")
    before = clips(home, "driveway")
    slow = (
        "mkdir -p /srv/recordings/driveway && (head -c 20000 /tmp/upload.mp4; sleep 4; tail -c +20001 /tmp/upload.mp4)"
    )
    home.appliance.run(["sh", "-c", f"{slow} > /srv/recordings/driveway/{name}"])
    clip = told(home, wait_for_clip(home, "driveway", before))
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
        # A minute apart from the other tests' names: one that is known already is no news.
        name = f"Driveway_00_{datetime.now(UTC) - timedelta(minutes=1):%Y%m%d%H%M%S}.mp4"
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


@pytest.fixture
def parked(home: Home) -> Iterator[None]:
    """A message that Alexa has refused for good."""
    row = "INSERT INTO messages (interface, camera, kind, message_id, body, happened, queued, parked, reason) VALUES"
    values = "('motion', 'driveway', 'ChangeReport', 'a-message', '{}', 0, 0, 1, '400 INVALID_REQUEST_EXCEPTION')"
    database = "/var/lib/alexa-ip-cam-events/events.db"
    script = f"import sqlite3; sql = sqlite3.connect({database!r}); sql.execute({f'{row} {values}'!r}); sql.commit()"
    owner = ["runuser", "-u", "alexa-events", "--"]
    home.appliance.run([*owner, "python3", "-c", script])
    yield
    home.appliance.run([*owner, "python3", "-c", script.replace(f"{row} {values}", "DELETE FROM messages")])


@pytest.mark.usefixtures("parked")
def test_the_owner_is_told_of_what_alexa_has_refused_and_when_it_is_seen_to(home: Home) -> None:
    """The service's sandbox lets it do that."""
    wait_for_alarm(home, lambda raised: "events-parked, since" in raised)
    raised = home.appliance.run(["alexa-ip-cam-alarm", "list"]).stdout
    assert "ChangeReport of driveway" in raised
    assert "400 INVALID_REQUEST_EXCEPTION" in raised
    (listed,) = home.appliance.run(["sh", "-c", "alexa-ip-cam-events list | grep -w parked"]).stdout.splitlines()
    home.appliance.run(["alexa-ip-cam-events", "drop", listed.split()[0]])
    wait_for_alarm(home, lambda raised: "events-" not in raised)
    assert "alarms cannot be raised" not in home.appliance.journal(UNIT)


def wait_for_alarm(home: Home, condition: Callable[[str], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition(raised := home.appliance.run(["alexa-ip-cam-alarm", "list"]).stdout):
        assert time.monotonic() < end, f"{raised}\n{home.appliance.journal(UNIT)}"
        time.sleep(0.5)


@pytest.mark.usefixtures("clip")
def test_switched_off_it_is_gone_and_what_was_recorded_stays(home: Home) -> None:
    kept = ["find", CLIPS, "/srv/recordings", "/var/lib/alexa-ip-cam-events/events.db", "-type", "f"]
    before = home.appliance.run(kept).stdout
    home.inventory.variables["events_enabled"] = False
    try:
        off = home.site("--tags", "events")
        again = home.site("--tags", "events")
    finally:
        del home.inventory.variables["events_enabled"]
    assert off.changed > 0
    assert again.changed == 0, again.output
    left = home.appliance.run(["sh", "-c", LEFT], check=False).stdout.split()
    assert left == []
    assert home.appliance.run(kept).stdout == before
    home.site("--tags", "events")
    assert home.appliance.run(["systemctl", "is-active", UNIT]).stdout.strip() == "active"
    assert home.appliance.run(kept).stdout == before


LEFT = """
find /etc /usr/local -name '*alexa*event*' -o -name 'events*.json'
find /run -maxdepth 1 -name '*alexa*event*'
find /usr/local/lib/alexa-ip-cam/events /var/spool/alexa-ip-cam -print 2> /dev/null
systemctl list-unit-files --no-legend 'alexa-ip-cam-events*' | cut -d ' ' -f 1
pgrep -u alexa-events
"""
