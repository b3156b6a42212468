"""Where the appliance's alarms arrive: a webhook and a mail host on its loopback. Debian's mail programs lead there."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from machine.edge.bench import WEBHOOK_PORT, Edge

_POSTS = "/run/posts.jsonl"
_MAILS = "/run/mails.jsonl"
_MAIL_PORT = 2525
_MAIL_HOST = "mail-host.service"
_WEBHOOK = f"""\
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open("{_POSTS}", "a") as posts:
            posts.write(json.dumps([self.headers["Title"], self.headers["Authorization"], body]) + "\\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", {WEBHOOK_PORT}), Handler).serve_forever()
"""
# As roles/alarm/README.md has an owner set them up, but for a log-in and TLS, which a mail host on loopback needs not.
MAIL_PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "msmtp-mta": {
        "/etc/msmtprc": f"account default\nhost 127.0.0.1\nport {_MAIL_PORT}\nfrom appliance@example.test\n",
    },
    "postfix": {
        "/etc/postfix/main.cf": (
            "compatibility_level = 3.6\ninet_interfaces = loopback-only\ninet_protocols = ipv4\nmydestination =\n"
            f"relayhost = [127.0.0.1]:{_MAIL_PORT}\nmyorigin = example.test\nsmtp_host_lookup = native\n"
        ),
    },
}


@dataclass(frozen=True)
class Post:
    """What the webhook got."""

    title: str
    authorization: str
    body: str


@dataclass(frozen=True)
class Mail:
    """What the mail host got: of the envelope sender and recipients as SMTP has them, and headers and text."""

    sender: str
    recipients: list[str]
    text: str


class Alarms:
    """Listens from the start on."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._seen = 0
        edge.appliance.write("/usr/local/bin/webhook", _WEBHOOK.encode(), 0o644)
        edge.appliance.write("/usr/local/bin/mail-host", Path(__file__).with_name("mail_host.py").read_bytes())
        edge.appliance.write(_POSTS, b"")
        edge.appliance.write(_MAILS, b"")
        edge.appliance.run(["systemd-run", "--unit=webhook", "/usr/bin/python3", "/usr/local/bin/webhook"])
        self._start_mail_host()
        self.set_up("msmtp-mta")

    def set_up(self, program: str) -> None:
        """Install one of Debian's mail programs in place of the one before, and tell it where the mail host is."""
        for path, content in MAIL_PROGRAMS[program].items():
            self._edge.appliance.write(path, content.encode(), 0o644)
        keep = ["-o", "Dpkg::Options::=--force-confold"]
        install = ["apt-get", "-qy", *keep, "install", "--no-install-recommends", program]
        self._edge.appliance.run(["env", "DEBIAN_FRONTEND=noninteractive", *install], timeout=120)
        if program == "msmtp-mta":
            self._edge.appliance.run(["systemctl", "disable", "--now", "msmtpd"])

    @contextlib.contextmanager
    def no_mail_host(self) -> Iterator[None]:
        """Nobody takes mails meanwhile."""
        self._edge.appliance.run(["systemctl", "stop", _MAIL_HOST])
        try:
            yield
        finally:
            self._start_mail_host()

    def _start_mail_host(self) -> None:
        run = ["systemd-run", f"--unit={_MAIL_HOST}", "/usr/bin/python3", "/usr/local/bin/mail-host"]
        self._edge.appliance.run([*run, str(_MAIL_PORT), _MAILS])
        listening = f"until ss -Hltn 'sport = :{_MAIL_PORT}' | grep -q .; do sleep 0.1; done"
        self._edge.appliance.run(["timeout", "10", "sh", "-c", listening])

    def forget(self) -> None:
        """Begin anew."""
        board = "/var/lib/alexa-ip-cam-alarm"
        senders = "alexa-ip-cam-alarm.service alexa-ip-cam-alarm-mail.service"
        script = f"rm -f {board}/raised/*.json; sleep 1; systemctl start {senders}; rm -f {board}/told-*.json"
        self._edge.appliance.run(["sh", "-c", script])
        self.new()

    def new(self) -> list[Post]:
        """What has arrived since the last call."""
        lines = self._edge.appliance.read(_POSTS).decode().splitlines()
        posts = [Post(*json.loads(line)) for line in lines[self._seen :]]
        self._seen = len(lines)
        return posts

    def wait(self, text: str, seconds: float = 10.0) -> Post:
        """Wait for a post with a text in its body, and return it."""
        deadline, posts = time.monotonic() + seconds, list[Post]()
        while time.monotonic() < deadline:
            posts += self.new()
            for post in posts:
                if text in post.body:
                    return post
            time.sleep(0.1)
        raise AssertionError(f"no post has {text!r}; there are {posts}; {self._edge.appliance.journal(lines=40)}")

    def wait_for_mail(self, text: str, seconds: float = 20.0) -> Mail:
        """Wait for a mail with a text in it, and return it."""
        deadline, mails = time.monotonic() + seconds, list[Mail]()
        while time.monotonic() < deadline:
            lines = self._edge.appliance.read(_MAILS).decode().splitlines()
            mails = [Mail(each["from"], each["to"], each["text"]) for each in map(json.loads, lines)]
            for mail in mails:
                if text in mail.text:
                    return mail
            time.sleep(0.1)
        raise AssertionError(f"no mail has {text!r}; there are {mails}; {self._edge.appliance.journal(lines=40)}")

    def raised(self) -> list[str]:
        """Keys of what is raised."""
        listed = self._edge.appliance.run(["alexa-ip-cam-alarm", "list"]).stdout
        return [line.split(",")[0] for line in listed.splitlines()]
