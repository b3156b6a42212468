"""The command, from raising to telling."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.alarm import channels
from alexa_ip_cam.alarm.__main__ import main
from alexa_ip_cam.alarm.board import LONGEST_TEXT, Board
from alexa_ip_cam.alarm.sender import Ledger

TOKEN = "tk_not_to_be_seen"


class Appliance:
    """A board and settings, as the role makes them."""

    def __init__(self, directory: Path) -> None:
        self.board = directory / "board"
        (self.board / "raised").mkdir(parents=True)
        self.settings = directory / "alarm.json"
        self.choose()

    def choose(self, *, mail: str = "", webhook: bool = False) -> None:
        self.settings.write_text(json.dumps({"name": "cams.example.com", "mail": mail, "webhook": webhook}))

    def __call__(self, *arguments: str) -> int:
        return main(["--board", str(self.board), "--settings", str(self.settings), *arguments])


@pytest.fixture
def appliance(tmp_path: Path) -> Appliance:
    return Appliance(tmp_path)


class Hook:
    """A webhook on loopback: what was posted, and what it answers."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], str]] = []
        self.status = 200
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                hook.posts.append((dict(self.headers), body))
                self.send_response(hook.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Be quiet."""

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-topic"


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    hook = Hook()
    thread = threading.Thread(target=hook.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    (tmp_path / "webhook").write_text(json.dumps({"url": hook.url, "token": TOKEN}))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


def test_raise_list_and_clear(appliance: Appliance, capsys: pytest.CaptureFixture[str]) -> None:
    assert appliance("raise", "events-grant", "Alexa no longer takes events: disable and enable the skill") == 0
    assert appliance("list") == 0
    assert "events-grant, since " in capsys.readouterr().out
    assert appliance("clear", "events-grant") == 0
    assert appliance("clear", "events-grant") == 0
    assert appliance("list") == 0
    assert capsys.readouterr().out == ""


def test_raising_again_keeps_the_time_and_takes_the_newer_text(appliance: Appliance) -> None:
    appliance("raise", "renewal", "three times")
    first = Board(appliance.board).alarms()["renewal"]
    appliance("raise", "renewal", "four times")
    second = Board(appliance.board).alarms()["renewal"]
    assert (second.since, second.text) == (first.since, "four times")


def test_files_are_for_the_group_and_nobody_else(appliance: Appliance) -> None:
    appliance("raise", "renewal", "three times")
    (path,) = (appliance.board / "raised").iterdir()
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("key", ["", "../x", "Renewal", "a" * 81, "a b", ".json"])
def test_a_key_that_cannot_be_is_refused(appliance: Appliance, capsys: pytest.CaptureFixture[str], key: str) -> None:
    assert appliance("raise", key, "text") == 2
    assert "takes small letters" in capsys.readouterr().err
    assert list((appliance.board / "raised").iterdir()) == []


def test_a_text_is_cleaned_and_has_an_end(appliance: Appliance, capsys: pytest.CaptureFixture[str]) -> None:
    appliance("raise", "renewal", "a\x1b[31m\x00b\n" + "long " * 1000)
    text = Board(appliance.board).alarms()["renewal"].text
    assert text.startswith("a [31m b\nlong")
    assert len(text) <= LONGEST_TEXT
    assert appliance("raise", "renewal", " \x00 ") == 2
    assert "needs a text" in capsys.readouterr().err


def test_a_machine_without_the_role_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--board", str(tmp_path / "none"), "raise", "renewal", "text"]) == 1
    assert "run the role alarm again" in capsys.readouterr().err
    (tmp_path / "raised").mkdir()
    assert main(["--board", str(tmp_path), "--settings", str(tmp_path / "none"), "send", "journal"]) == 2
    assert "run the role alarm again" in capsys.readouterr().err


def test_the_journal_is_told_once(appliance: Appliance, capsys: pytest.CaptureFixture[str]) -> None:
    appliance("raise", "camera-garage", "camera garage is gone.\nLook at its power.")
    assert appliance("send", "journal") == 0
    assert capsys.readouterr().err == "<3>camera garage is gone.\n<3>Look at its power.\n"
    assert appliance("send", "journal") == 0
    assert capsys.readouterr().err == ""
    appliance("clear", "camera-garage")
    appliance("send", "journal")
    assert capsys.readouterr().err.startswith("<5>well again, after ")


def test_several_come_in_one_letter(appliance: Appliance, hook: Hook) -> None:
    appliance.choose(webhook=True)
    for camera in ("a", "b", "c"):
        appliance("raise", f"camera-{camera}", f"camera {camera} is gone")
    assert appliance("send", "webhook") == 0
    ((headers, body),) = hook.posts
    assert headers["Title"] == "cams.example.com: 3 alarms and news"
    assert headers["Priority"] == "high"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert body == "camera a is gone\n\ncamera b is gone\n\ncamera c is gone"


def test_a_title_takes_any_letters(appliance: Appliance, hook: Hook) -> None:
    appliance("raise", "renewal", "Zertifikat läuft ab")
    assert appliance("send", "webhook") == 0
    ((headers, body),) = hook.posts
    assert headers["Title"].startswith("=?utf-8?")
    assert body == "Zertifikat läuft ab"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_told_later(
    appliance: Appliance, hook: Hook, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    hook.status = status
    appliance("raise", "renewal", "three times")
    assert appliance("send", "webhook") == 1
    said = capsys.readouterr().err
    assert f"the webhook answered {status}" in said
    hook.status = 200
    assert appliance("send", "webhook") == 0
    assert len(hook.posts) == 2
    seen = said + (appliance.board / "told-webhook.json").read_text()
    assert [text for text in ("secret-topic", TOKEN) if text in seen] == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/secret-topic", "file:///etc/passwd", "secret topic", "http://["])
def test_no_way_of_failing_shows_the_webhook(
    appliance: Appliance, hook: Hook, capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str
) -> None:
    (tmp_path / "webhook").write_text(json.dumps({"url": url, "token": TOKEN}))
    appliance("raise", "renewal", "three times")
    assert appliance("send", "webhook") == 1
    said = capsys.readouterr().err
    assert "webhook" in said
    assert [text for text in ("secret", "passwd", TOKEN) if text in said] == []
    assert hook.posts == []


def test_one_way_that_fails_does_not_hold_up_the_other(
    appliance: Appliance, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.status = 500
    appliance("raise", "renewal", "three times")
    assert appliance("send", "webhook", "journal") == 1
    assert "<3>three times" in capsys.readouterr().err


def test_mail_goes_through_sendmail(
    appliance: Appliance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "sendmail"
    monkeypatch.setattr(channels.to_mail, "__kwdefaults__", {"program": str(program)})
    appliance.choose(mail="owner@example.com")
    appliance("raise", "renewal", "three times in a row.\nLook at the journal.")
    assert appliance("send", "mail") == 1
    assert "there is no" in capsys.readouterr().err
    program.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/argv\ncat > {tmp_path}/mail\n')
    program.chmod(0o755)
    assert appliance("send", "mail") == 0
    assert (tmp_path / "argv").read_text() == "-i -t\n"
    mail = (tmp_path / "mail").read_text()
    assert "To: owner@example.com\n" in mail
    assert "Subject: cams.example.com: three times in a row.\n" in mail
    assert mail.endswith("\n\nthree times in a row.\nLook at the journal.\n")
    program.write_text("#!/bin/sh\necho no account >&2\nexit 78\n")
    appliance("clear", "renewal")
    assert appliance("send", "mail") == 1
    assert "took no mail (status 78): no account" in capsys.readouterr().err


def test_a_test_is_forgotten_once_every_way_has_told_it(appliance: Appliance) -> None:
    appliance.choose(mail="owner@example.com")
    Board(appliance.board).raise_alarm("test", "only a test", test=True)
    assert appliance("send", "journal") == 0
    assert "test" in Board(appliance.board).alarms()
    Ledger(appliance.board, "mail").keep(Ledger(appliance.board, "journal").told())
    assert appliance("send", "journal") == 0
    assert Board(appliance.board).alarms() == {}


def test_damaged_files_are_no_alarms_and_are_told_again(
    appliance: Appliance, capsys: pytest.CaptureFixture[str]
) -> None:
    (appliance.board / "raised/renewal.json").write_text("{")
    (appliance.board / "raised/camera-a.json").write_text('{"text": 3, "since": "x"}')
    (appliance.board / "told-journal.json").write_text('{"told": {"x": {}, "y": 3}}')
    appliance("raise", "events-grant", "text")
    assert appliance("send", "journal") == 0
    assert capsys.readouterr().err == "<3>text\n"
