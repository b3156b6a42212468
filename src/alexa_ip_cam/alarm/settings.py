"""What the owner chose: the appliance's name in messages, and the ways that messages take."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from alexa_ip_cam.alarm.channels import Webhook
from alexa_ip_cam.alarm.files import read_json

SETTINGS = Path("/etc/alexa-ip-cam/alarm.json")
CREDENTIAL = "webhook"
"""Name of the systemd credential that holds the webhook's URL and token."""


@dataclass(frozen=True)
class Settings:
    """`channels` are those in use, `journal` always; `mail` is the address, empty for none."""

    name: str
    mail: str
    channels: tuple[str, ...]


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        ValueError: they are missing or of another form; says how to mend it.
    """
    value = read_json(path)
    name, mail, webhook = value.get("name"), value.get("mail"), value.get("webhook")
    if not isinstance(name, str) or not isinstance(mail, str) or not isinstance(webhook, bool):
        raise ValueError(f"{path} is missing or damaged: run the role alarm again")
    chosen = ("journal", *(["webhook"] if webhook else []), *(["mail"] if mail else []))
    return Settings(name, mail, chosen)


def webhook() -> Webhook:
    """Read where the webhook is from the credential that systemd hands over.

    Raises:
        ValueError: there is none; the message shows nothing of it.
    """
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    try:
        value = json.loads((Path(directory) / CREDENTIAL).read_text(encoding="utf-8"))
        return Webhook(str(value["url"]), str(value.get("token", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"systemd handed over no credential {CREDENTIAL!r}: run the role alarm again") from None
