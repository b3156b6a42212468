"""The ways to the owner: the journal, mail through the system's sendmail, and a webhook that takes text (ntfy)."""

import email.message
import email.utils
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import Header
from pathlib import Path

from alexa_ip_cam.alarm.rules import Kind, Message

SENDMAIL = "/usr/sbin/sendmail"
_SECONDS = 30.0

_OPENING: dict[Kind, str] = {
    "raised": "",
    "again": "still, since {since}: ",
    "well": "well again, after {since}: ",
    "test": "test: ",
}


class ChannelError(Exception):
    """A channel did not take the messages; says why, without secrets."""


@dataclass(frozen=True)
class Letter:
    """What a channel is given: a line, and all of it. `bad` is False when there is only good news."""

    title: str
    body: str
    bad: bool


@dataclass(frozen=True)
class Webhook:
    """Where the webhook is. Both are secrets: whoever has the URL can write to the owner."""

    url: str = field(repr=False)
    token: str = field(default="", repr=False)


def letter(name: str, messages: Sequence[Message]) -> Letter:
    """Put messages into one letter from the appliance called `name`."""
    lines = [_OPENING[message.kind].format(since=_time(message.since)) + message.text for message in messages]
    bad = any(message.kind != "well" for message in messages)
    title = f"{name}: {lines[0].splitlines()[0]}" if len(lines) == 1 else f"{name}: {len(lines)} alarms and news"
    return Letter(title if len(title) <= 160 else title[:156] + " ...", "\n\n".join(lines), bad)


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def to_journal(sent: Letter) -> None:
    """Write to standard error, from where systemd brings it to the journal, with the priority that fits."""
    level = "<3>" if sent.bad else "<5>"
    for line in sent.body.splitlines():
        if line:
            print(f"{level}{line}", file=sys.stderr, flush=True)


def to_mail(sent: Letter, address: str, *, program: str = SENDMAIL) -> None:
    """Hand a mail to the system's sendmail.

    Raises:
        ChannelError: there is none, or it did not take the mail.
    """
    mail = email.message.EmailMessage()
    mail["To"] = address
    mail["Subject"] = sent.title
    mail["Date"] = email.utils.formatdate()
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers this
    mail.set_content(sent.body)
    if not Path(program).exists():
        raise ChannelError(f"there is no {program}: install and set up a mail program, such as msmtp-mta")
    try:
        done = subprocess.run(
            [program, "-i", "-t"],
            input=mail.as_bytes(),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ChannelError(f"{program} could not be run: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise ChannelError(f"{program} took no mail (status {done.returncode}): {' '.join(said)}")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: a POST would become a GET that says nothing, and the token would go along."""

    def redirect_request(self, *_: object) -> None:
        """Refuse."""


def to_webhook(sent: Letter, webhook: Webhook) -> None:
    """POST the text, with ntfy's headers for title and priority (https://docs.ntfy.sh/publish/), which others ignore.

    Raises:
        ChannelError: it could not be reached or did not answer with success.
    """
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        # A header takes no letters beyond ASCII; ntfy decodes RFC 2047.
        "Title": sent.title if sent.title.isascii() else Header(sent.title, "utf-8", maxlinelen=10_000).encode(),
        "Priority": "high" if sent.bad else "default",
    }
    if webhook.token:
        headers["Authorization"] = f"Bearer {webhook.token}"
    try:
        request = urllib.request.Request(webhook.url, sent.body.encode(), headers, method="POST")  # noqa: S310 - checked
        if request.type not in ("http", "https"):
            raise ChannelError("the webhook's URL must begin with https:// or http://")
        with urllib.request.build_opener(_Stay).open(request, timeout=_SECONDS) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        with error:
            raise ChannelError(f"the webhook answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise ChannelError(f"the webhook cannot be reached: {error.reason}") from None
    except (OSError, ValueError) as error:
        # A message of ValueError may show the URL.
        raise ChannelError(f"the webhook cannot be reached ({type(error).__name__})") from None
