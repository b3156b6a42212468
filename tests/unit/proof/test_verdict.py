"""What is seen on port 443, and what is made of it."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from alexa_ip_cam.proof import __main__ as program
from alexa_ip_cam.proof import on_disk, served, verdict
from alexa_ip_cam.proof.lifetime import DAY, Lifetime
from alexa_ip_cam.proof.served import Look
from unit.edge.conftest import Authority

NAMES = ("cams.example.com", "clips.example.com")


class Front:
    """What listens on port 443, and the certificate on disk."""

    def __init__(self, directory: Path) -> None:
        self.lineage = directory / "letsencrypt/live/alexa-ip-cam"
        self.roots = directory / "roots.pem"
        self.hooks = directory / "letsencrypt/renewal-hooks/deploy"
        self.hooks.mkdir(parents=True)
        self.state = directory / "state"
        self.state.mkdir()
        self.told = directory / "told"
        self.settings = directory / "proof.json"
        self.oldest = self.newest = ssl.TLSVersion.TLSv1_2
        self._serving = threading.Event()
        self._socket: socket.socket | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.settings.write_text(
            json.dumps(
                {
                    "address": "127.0.0.1",
                    "port": self.port,
                    "names": NAMES,
                    "roots": str(self.roots),
                    "lineage": str(self.lineage),
                    "state": str(self.state),
                }
            )
        )

    def trust(self, authority: Authority) -> None:
        self.roots.write_bytes(authority.root.public_bytes(Encoding.PEM))

    def serve(self, directory: Path) -> None:
        self.stop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = self.oldest, self.newest
        context.load_cert_chain(directory / "fullchain.pem", directory / "privkey.pem")
        self._socket = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._socket, context), daemon=True).start()

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    @staticmethod
    def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(1)
            except OSError:
                plain.close()

    def check(self) -> int:
        return program.main(["--settings", str(self.settings), "check"])

    @property
    def result(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.state / "proof.json").read_text())
        return found

    @property
    def alarms(self) -> list[str]:
        return self.told.read_text().splitlines() if self.told.exists() else []


@pytest.fixture
def front(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    front = Front(tmp_path)
    front.trust(authority)
    alarm = tmp_path / "alarm"
    alarm.write_text(f'#!/bin/sh\necho "$* $(cat)" >> {front.told}\n')
    alarm.chmod(0o755)
    monkeypatch.setattr(program, "ALARM", alarm)
    yield front
    front.stop()


def test_what_an_echo_takes_is_proved(front: Front, authority: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    front.serve(authority.issue(front.lineage))
    assert front.check() == 0
    assert "proved: cams.example.com, clips.example.com up to ISRG Root X1, 89.0 days left" in capsys.readouterr().out
    assert front.result["ok"] is True
    assert front.result["chain"] == ["Intermediate", "ISRG Root X1"]
    assert front.alarms == ["clear certificate "]


def test_another_root_in_the_store_refuses_it(front: Front, authority: Authority) -> None:
    """The chain is the same; only the roots that the device has are others."""
    front.serve(authority.issue(front.lineage))
    front.trust(Authority("Root YR"))
    assert front.check() == 1
    (alarm,) = front.alarms
    assert alarm.startswith("raise certificate - cams.example.com: the chain does not lead to the root")
    assert "set certbot_preferred_chain" in alarm
    front.trust(authority)
    assert front.check() == 0
    assert front.alarms[-1] == "clear certificate "


def test_an_old_certificate_that_is_still_served_is_found_and_mended_by_the_hook(
    front: Front, authority: Authority, tmp_path: Path
) -> None:
    front.serve(authority.issue(tmp_path / "old"))
    authority.issue(front.lineage)
    assert front.check() == 1
    assert "the certificate on disk is not the one that is served" in front.alarms[-1]
    # The hook's process asks this one to serve the new.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (front.hooks / "stunnel").write_text(f'#!/bin/sh\necho "$RENEWED_LINEAGE" > {pipe}\ncat {pipe}.done > /dev/null\n')
    os.mkfifo(f"{pipe}.done")
    (front.hooks / "stunnel").chmod(0o755)

    def reload() -> None:
        lineage = Path(pipe.read_text().strip())
        front.serve(lineage)
        Path(f"{pipe}.done").write_text("")

    thread = threading.Thread(target=reload)
    thread.start()
    assert front.check() == 0
    thread.join()
    assert front.alarms[-1] == "clear certificate "


def test_what_a_hook_says_that_fails_is_told(front: Front, authority: Authority, tmp_path: Path) -> None:
    front.serve(authority.issue(tmp_path / "old"))
    authority.issue(front.lineage)
    (front.hooks / "stunnel").write_text("#!/bin/sh\necho stunnel kept its old configuration >&2\nexit 1\n")
    (front.hooks / "stunnel").chmod(0o755)
    (front.hooks / "not-a-hook").write_text("#!/bin/sh\nexit 1\n")
    assert front.check() == 1
    assert front.alarms[-1].endswith("A deploy hook said: stunnel kept its old configuration")


@pytest.mark.parametrize(
    ("age", "life", "said"),
    [
        (74, 90, None),
        (76, 90, "is not renewed and expires in 14.0 days"),
        (91, 90, "the certificate has expired"),
        (-1, 90, "not yet valid: the clock is wrong"),
        (4, 6, None),
        (5, 6, "is not renewed and expires in 1.0 days"),
    ],
)
def test_its_age_is_judged_by_its_own_life(
    front: Front, authority: Authority, age: float, life: float, said: str | None
) -> None:
    front.serve(authority.issue(front.lineage, age=dt.timedelta(days=age), life=dt.timedelta(days=life)))
    assert front.check() == (0 if said is None else 1)
    assert said is None or said in front.alarms[-1]


def test_other_names_are_found(front: Front, authority: Authority) -> None:
    front.serve(authority.issue(front.lineage, names=("cams.example.com",)))
    assert front.check() == 1
    assert front.alarms[-1].startswith("raise certificate - clips.example.com: the certificate is for other names")


def test_an_echo_speaks_no_newer_tls(front: Front, authority: Authority) -> None:
    front.oldest = front.newest = ssl.TLSVersion.TLSv1_3
    front.serve(authority.issue(front.lineage))
    assert front.check() == 1
    assert "an Echo cannot speak with it" in front.alarms[-1]


def test_nothing_that_answers_is_found(front: Front, authority: Authority) -> None:
    authority.issue(front.lineage)
    assert front.check() == 1
    assert "nothing answers on port 443" in front.alarms[-1]


@pytest.mark.parametrize("text", [None, "junk\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_no_certificate_on_disk_is_found(front: Front, authority: Authority, tmp_path: Path, text: str | None) -> None:
    front.serve(authority.issue(tmp_path / "old"))
    if text is not None:
        front.lineage.mkdir(parents=True)
        (front.lineage / "fullchain.pem").write_text(text)
    assert front.check() == 1
    assert front.result["ok"] is False
    assert front.alarms[-1].startswith("raise certificate - ")


def test_an_alarm_that_cannot_be_raised_is_an_error(
    front: Front, authority: Authority, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "ALARM", Path("/bin/false"))
    front.serve(authority.issue(front.lineage))
    assert front.check() == 1
    assert "/bin/false clear certificate failed" in capsys.readouterr().err


def test_settings_that_are_missing_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--settings", str(tmp_path / "none"), "check"]) == 1
    assert "run the role proof again" in capsys.readouterr().err


def test_the_served_certificate_counts_and_not_its_serial_alone() -> None:
    look = Look("cams.example.com", reached=True, problem="", leaf=b"one", lifetime=Lifetime(0.0, 90 * DAY))
    assert verdict.problems([look], b"one", DAY) == []
    (told,) = verdict.problems([look], b"other", DAY)
    assert "stunnel did not take it" in told


def test_the_lifetime_served_and_on_disk_are_the_same(front: Front, authority: Authority) -> None:
    front.serve(authority.issue(front.lineage))
    look = served.look("127.0.0.1", front.port, NAMES[0], front.roots)
    disk = on_disk.read(front.lineage)
    assert disk is not None
    assert look.lifetime == disk.lifetime
    assert look.leaf == disk.leaf
