"""Where the appliance's alarms arrive: a webhook on its loopback, and a mail program that keeps what it is given."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from machine.edge.bench import WEBHOOK_PORT, Edge

_POSTS = "/run/posts.jsonl"
_MAILS = "/var/spool/mails"
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
_SENDMAIL = f"#!/bin/sh\n{{ cat; echo; }} >> {_MAILS}\n"


@dataclass(frozen=True)
class Post:
    """What the webhook got."""

    title: str
    authorization: str
    body: str


class Alarms:
    """Listens from the start on."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._seen = 0
        edge.appliance.write("/usr/local/bin/webhook", _WEBHOOK.encode(), 0o644)
        edge.appliance.write("/usr/sbin/sendmail", _SENDMAIL.encode(), 0o755)
        edge.appliance.write(_POSTS, b"")
        edge.appliance.write(_MAILS, b"")
        edge.appliance.run(["systemd-run", "--unit=webhook", "/usr/bin/python3", "/usr/local/bin/webhook"])

    def forget(self) -> None:
        """Begin anew."""
        board = "/var/lib/alexa-ip-cam-alarm"
        self._edge.appliance.run(["sh", "-c", f"rm -f {board}/raised/*.json; sleep 1; rm -f {board}/told-*.json"])
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

    def mails(self) -> str:
        """All mails."""
        return self._edge.appliance.read(_MAILS).decode()

    def raised(self) -> list[str]:
        """Keys of what is raised."""
        listed = self._edge.appliance.run(["alexa-ip-cam-alarm", "list"]).stdout
        return [line.split(",")[0] for line in listed.splitlines()]
