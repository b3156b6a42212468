"""Over the years: an upgrade, a backup, removal, and the backup on another machine. One machine goes through it all."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import pytest

from alexa_ip_cam.alexa.lwa import Client, exchange_code
from alexa_ip_cam.alexa.lwa import Tokens as LwaTokens
from alexa_ip_cam.events.tokens import Tokens
from alexa_ip_cam.signing import derive_key, sign_stream
from benchmarks.direct import Way
from home import Home, Recap, playbook
from home.inventory import STREAMS_NAME
from machine.machine_state import MachineState
from machine.patient_viewer import PatientViewer
from machine.support import show
from sandbox import Machine, cache_dir, debian_root
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lwa import Lwa
from simulators.events_service import FileStore
from unit.recordings.axis_tree import AxisRecording

pytestmark = pytest.mark.machine

CAMERA = "front-porch"
RECORDINGS = "/srv/recordings"
BUILDS = "/var/cache/alexa-ip-cam/live555"
STATE = "/var/lib/alexa-ip-cam-events"
DATABASE = f"{STATE}/events.db"
# What other programs have brought already. On a machine without any, test_runs.py builds the appliance.
PACKAGES = ("ffmpeg", "python3-boto3", "python3-cryptography", "python3-inotify", "python3-jinja2")
CLIENT = Client("amzn1.application-oa2-client.skill", "a skill's secret")
WAITING = "00000000-0000-4000-8000-000000000001"
"""A message that still has to be told, of a camera that is no more."""
SECONDS = 4
PREVIOUS = (playbook.ROOT / "tests/previous-release").read_text().strip()
KEPT = ["/srv/alexa-ip-cam", "/var/lib/alexa-ip-cam-events", "/etc/letsencrypt", "/var/lib/letsencrypt"]
"""What remove.yml leaves unless it is asked, as preflight's list of what is left says."""

# Somebody else's things, and how to see that they work.
FOREIGN = {
    "/etc/apache2/sites-available/other.conf": "Listen 127.0.0.1:8090\n<VirtualHost 127.0.0.1:8090>\n</VirtualHost>\n",
    "/etc/stunnel/other.conf": "foreground = yes\npid =\n[x]\naccept = 127.0.0.1:8091\nconnect = 127.0.0.1:1\n"
    "PSKsecrets = /etc/stunnel/other.psk\nciphers = PSK\n",
    "/etc/stunnel/other.psk": "somebody:" + "5a" * 32 + "\n",
    "/etc/letsencrypt/renewal/other.conf": "# another certificate\n",
    "/etc/systemd/system/other.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "/etc/alexa-ip-cam/other.txt": "kept\n",
}


@dataclasses.dataclass
class Story:
    """One machine, and what was seen of it so far. The tests go on where the one before ended."""

    home: Home
    directory: Path
    stack: contextlib.ExitStack
    bare: MachineState
    recording: Path
    known: Known
    lwa: Lwa
    gateway: EventGateway
    serial: int = 0

    def play(self, name: str, *arguments: str, environment: dict[str, str] | None = None) -> Recap:
        """Run one of the playbooks."""
        try:
            recap = playbook.run(
                self.home.inventory.directory, *arguments, playbook=f"playbooks/{name}.yml", environment=environment
            )
        except playbook.PlaybookError:
            print(self.home.appliance.journal())
            raise
        print(f"{name}: {recap.seconds:.0f} s, changed={recap.changed}")
        return recap

    @property
    def archive(self) -> Path:
        """The only backup."""
        (archive,) = (self.directory / "backups").glob("*.tar.gz")
        return archive


def previous_release(directory: Path) -> Path:
    """The tree of the release before."""
    packed = subprocess.run(["git", "archive", PREVIOUS], cwd=playbook.ROOT, capture_output=True, check=False)
    if packed.returncode != 0:
        pytest.fail(
            f"the previous release, commit {PREVIOUS[:12]} of tests/previous-release, is not in this clone;"
            " a shallow one gets it by: git fetch --unshallow"
        )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        tar.extractall(directory, filter="data")
    return directory


@dataclasses.dataclass(frozen=True)
class Known:
    """What the events service knows: recordings with their media ids, and what it still has to tell of them."""

    recordings: dict[str, str]
    messages: frozenset[str]

    @classmethod
    def of(cls, home: Home) -> Self:
        """Read its queue. Whether cameras can be reached is news after each start, and does not count."""
        program = (
            "import json, sqlite3, sys; sql = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True);"
            "print(json.dumps([dict(sql.execute('SELECT key, identity FROM recordings').fetchall()),"
            " [row[0] for row in sql.execute(\"SELECT message_id FROM messages WHERE interface <> 'health'\")]]))"
        )
        recordings, messages = json.loads(home.appliance.run(["python3", "-c", program, DATABASE]).stdout)
        return cls(recordings, frozenset(messages))

    def has_told_nothing_anew(self, before: Self) -> bool:
        """Nothing was found again or is told again since; what is out of date may have gone."""
        return self.recordings == before.recordings and self.messages <= before.messages


def record(directory: Path) -> Path:
    """A recording as an Axis camera leaves it, of a few seconds ago."""
    film = directory / "film.mkv"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=15", "-t", str(SECONDS)]
    subprocess.run([*command, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", film], check=True)
    start = datetime.now(UTC) - timedelta(seconds=SECONDS + 1)
    root = directory / "axis-ACCC8E000001"
    AxisRecording(root, ZoneInfo("Europe/Berlin"), start, film).write(seconds=SECONDS)
    return root


def wait_for(what: str, condition: object, patience: float = 60.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"{what} does not come"
        time.sleep(0.3)


def clips(home: Home) -> str:
    return home.appliance.run(["find", "/srv/alexa-ip-cam/clips", "-name", "*.mp4"], check=False).stdout


def with_foreign_things(home: Home) -> None:
    for path, text in FOREIGN.items():
        home.appliance.write(path, text.encode())
    home.appliance.run(["a2ensite", "--quiet", "other"])
    home.appliance.run(["systemctl", "daemon-reload"])
    home.appliance.run(["systemctl", "reload", "apache2"])
    home.appliance.run(["systemctl", "start", "stunnel@other", "other"])


def foreign_things(home: Home) -> dict[str, str]:
    found = {path: home.appliance.read(path).decode() for path in FOREIGN}
    for unit in ("apache2", "stunnel@other", "other"):
        found[unit] = home.appliance.run(["systemctl", "is-active", unit], check=False).stdout.strip()
    for port in ("8090", "8091"):
        listening = home.appliance.run(["ss", "-Hltn", f"sport = :{port}"]).stdout
        found[port] = str(len(listening.splitlines()))
    return found


def link(story: Story) -> None:
    """The skill is linked; the service has the grant, whose access token has ended since, and a message waits."""
    tokens = exchange_code(story.lwa.new_code(CLIENT.client_id, "family"), CLIENT, url=story.lwa.url)
    store = FileStore(story.directory / "store.json")
    store.link(LwaTokens(tokens.access_token, tokens.refresh_token, time.time() + 3600), CLIENT)
    path = story.directory / "tokens.json"
    Tokens(path, store, url=story.lwa.url).access()
    kept = json.loads(path.read_text()) | {"expires_at": time.time() - 1}
    machine = story.home.appliance
    machine.write(f"{STATE}/tokens.json", json.dumps(kept).encode(), mode=0o600)
    machine.run(["chown", "alexa-events:alexa-events", f"{STATE}/tokens.json"])
    program = (
        "import sqlite3, sys; sql = sqlite3.connect(sys.argv[1]); sql.execute('INSERT INTO messages"
        " (interface, camera, kind, message_id, body, happened, queued) VALUES (?, ?, ?, ?, ?, 0, 0)', sys.argv[2:]);"
        " sql.commit()"
    )
    body = json.dumps({"endpoints": [{"endpointId": "cams_example_test:gone"}]})
    message = ["discovery", "", "DeleteReport", WAITING, body]
    machine.run(["runuser", "-u", "alexa-events", "--", "python3", "-c", program, DATABASE, *message])


def another_machine(home: Home, stack: contextlib.ExitStack) -> None:
    """The appliance dies; a bare machine takes its address."""
    home.appliance.kill()
    machine = Machine(
        home.network,
        "appliance",
        root=debian_root(home.suite, PACKAGES),
        number=10,
        binds={cache_dir() / "live555" / home.suite: BUILDS},
        resolver=home.world.address,
    )
    home.appliance = stack.enter_context(machine)
    home.inventory.ssh_args = list(machine.ssh_args)
    home.inventory.write()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The previous release, and a recording of which it has made a clip."""
    directory = tmp_path_factory.mktemp("years")
    with Home("years", directory, cameras=(CAMERA,), packages=PACKAGES) as home, contextlib.ExitStack() as stack:
        host = home.network.host_address
        lwa = stack.enter_context(Lwa(host))
        lwa.add_client(*CLIENT)
        gateway = stack.enter_context(EventGateway(lwa.is_valid_access, CLIENT.client_id, host=host))
        bare = MachineState.of(home.appliance)
        playbook.run(home.inventory.directory, tree=previous_release(directory / "previous"))
        recording = record(directory)
        home.appliance.push(recording, f"{RECORDINGS}/{recording.name}")
        wait_for("the clip", lambda: clips(home))
        yield Story(home, directory, stack, bare, recording, Known.of(home), lwa, gateway)


def test_an_upgrade_keeps_what_is_known_and_the_viewer_comes_back(story: Story) -> None:
    home = story.home
    key = derive_key(home.inventory.secrets["vault_signing_key"], "streams")
    old_url = f"rtsp://{STREAMS_NAME}:443/{sign_stream(key, CAMERA, int(time.time()) + 3600)}"
    with PatientViewer(home, Way(old_url, 443)) as viewer:
        viewer.wait_for_picture()
        upgrade = story.play("site")
        viewer.wait_for_picture()
    print(f"longest gap {viewer.longest_gap:.2f} s, cut off {viewer.cuts} times")
    assert upgrade.failed == 0
    assert any(story.known.recordings.values())
    assert Known.of(home).has_told_nothing_anew(story.known)
    # Figures are not asserted: a loose bound, beyond which an Echo has given up long ago.
    assert viewer.longest_gap < 60


def test_a_backup_is_for_its_owner_alone(story: Story) -> None:
    link(story)
    story.serial = served_serial(story.home)
    story.known = Known.of(story.home)
    story.play("backup")
    assert story.archive.stat().st_mode & 0o777 == 0o600


def test_removal_leaves_what_it_names_and_what_belongs_to_others(story: Story) -> None:
    home = story.home
    with_foreign_things(home)
    # The sandbox's own: builds for all machines of its kind.
    home.appliance.run(["umount", BUILDS])
    removal = story.play("remove")
    removed = MachineState.of(home.appliance)
    left = {one for one in removed.ours_since(story.bare) if not is_kept(one)} - set(FOREIGN)
    # The timer renews the other certificate.
    timer = "/etc/systemd/system/timers.target.wants/certbot.timer"
    assert sorted(left - of_apache(removed)) == ["/etc/alexa-ip-cam", timer, "alexa-events", "alexa-recorders"]
    for path in ("/srv/alexa-ip-cam/clips", "/var/lib/alexa-ip-cam-events", "/etc/letsencrypt", "ports.conf"):
        assert path in removal.output
    units = {"apache2": "active", "stunnel@other": "active", "other": "active", "8090": "1", "8091": "1"}
    assert foreign_things(home) == {**FOREIGN, **units}


def test_a_second_removal_finds_nothing(story: Story) -> None:
    again = story.play("remove")
    assert again.changed == 0, re.findall(r"(?s)TASK \[[^\n]+(?:(?!TASK).)*?changed:", again.output)


def test_a_machine_that_has_kept_its_state_refuses_to_fall_back(story: Story) -> None:
    with pytest.raises(playbook.PlaybookError) as caught:
        story.play("restore", "--extra-vars", f"backup_archive={story.archive}")
    assert "this machine has state of its own" in caught.value.recap.output


def test_another_machine_goes_on_with_the_backup(story: Story) -> None:
    """As its owner now wants it: haproxy leads viewers, and nobody is told of alarms."""
    home = story.home
    another_machine(home, story.stack)
    home.appliance.push(story.recording, f"{RECORDINGS}/{story.recording.name}")
    password = story.directory / "password.txt"
    password.write_text("a password\n")
    encrypt = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--vault-password-file", str(password)]
    subprocess.run([*encrypt, story.archive], check=True, capture_output=True)
    with_password = {"ANSIBLE_VAULT_PASSWORD_FILE": str(password)}
    story.play("restore", "--extra-vars", f"backup_archive={story.archive}", environment=with_password)
    home.inventory.variables.update(
        gateway_enabled=False,
        alarm_enabled=False,
        events_lwa_url=story.lwa.url,
        events_gateways={"EU": story.gateway.url},
    )
    home.inventory.write()
    story.play("site")
    assert served_serial(home) == story.serial
    assert show(home, CAMERA, sign_streams=False).keyframe_bytes > 0


def test_it_is_still_linked_and_tells_what_waited_and_nothing_twice(story: Story) -> None:
    wait_for("what waited", lambda: WAITING in {one.message_id for one in story.gateway.accepted})
    assert story.home.appliance.run(["alexa-ip-cam-events", "status"]).stdout.startswith("linked with Alexa\n")
    # Long enough for two looks at all folders.
    time.sleep(7)
    assert Known.of(story.home).has_told_nothing_anew(story.known)
    assert WAITING not in Known.of(story.home).messages
    motion = {one.message_id for one in story.gateway.accepted if "detectionState" in json.dumps(one.document["event"])}
    assert motion <= story.known.messages
    assert (story.gateway.problems, story.gateway.repeated) == ([], 0)


def test_without_alarms_nothing_of_them_is_left_and_nothing_misses_them(story: Story) -> None:
    machine = story.home.appliance
    machine.run(["systemctl", "start", "alexa-ip-cam-proof.service"])
    assert machine.run(["find", "/etc", "/usr/local", "/var/lib", "-name", "alexa-ip-cam-alarm*"]).stdout == ""
    assert machine.run(["getent", "group", "alexa-alarm"], check=False).returncode == 2
    units = ["alexa-ip-cam-events", "alexa-ip-cam-page", "haproxy"]
    assert machine.run(["systemctl", "is-active", *units], check=False).stdout.split() == ["active"] * 3
    assert machine.run(["systemctl", "list-units", "--failed", "--no-legend", "alexa-ip-cam-*"]).stdout == ""


def test_removal_of_all_leaves_nothing(story: Story) -> None:
    machine = story.home.appliance
    machine.run(["umount", BUILDS])
    machine.run(["rm", "-r", RECORDINGS])
    story.play("remove", "--extra-vars", '{"events_remove_clips": true, "certbot_remove_certificate": true}')
    assert sorted(MachineState.of(machine).ours_since(story.bare)) == []
    loaded = machine.run(["systemctl", "show", "--property", "LoadState", "--value", "haproxy", "apache2"]).stdout
    assert loaded.split() == ["not-found"] * 2


def served_serial(home: Home) -> int:
    """The serial number of the certificate that is served."""
    return home.served_chain()[0].serial_number


def is_kept(path: str) -> bool:
    return any(path == kept or path.startswith(f"{kept}/") for kept in (*KEPT, RECORDINGS))


def of_apache(state: MachineState) -> set[str]:
    """Apache stays because of another site: what belongs to it, and is not ours."""
    places = ("/etc/apache2/", "/var/www/", "/etc/systemd/system/multi-user.target.wants/apache2.service")
    return {path for path in state.paths if path.startswith(places) and "alexa" not in path}
