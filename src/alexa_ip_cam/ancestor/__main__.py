"""``python -m alexa_ip_cam.ancestor FOLDER INVENTORY``: an inventory from the files of alexa-ip-cam 1.x (Node.js)."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alexa_ip_cam.ancestor import cameras, inventory, shell_files

_LEFT = """\
Left for you, in {folder}:
- group_vars/all/appliance.yml: certbot_email, certbot_dns_plugin and certbot_dns_credentials
- group_vars/all/skill.yml: the languages of your Alexa devices
Then go on in README.md with "Set it up", step 2. Once the new skill works, remove the old one in the Alexa app, and
say "Alexa, discover devices": cameras are new devices, because they are now known by their names, not by their place.
Not carried over, because it is made anew or not needed any more: amzn, mongodb, log, tokens.json."""


class CannotCarryError(Exception):
    """Something cannot be carried over; the message says what, one line each, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 1 when something cannot be carried over and nothing was written."""
    parser = argparse.ArgumentParser(prog="python -m alexa_ip_cam.ancestor", description=__doc__)
    parser.add_argument("folder", type=Path, help="where config.json, vars.sh and proxy-start.sh are")
    parser.add_argument("inventory", type=Path, help="the folder to write, such as inventory; must not exist")
    parser.add_argument("--address", required=True, help="of the machine that becomes the appliance")
    parser.add_argument(
        "--clips-name", default="", help="DNS name of recordings, when videoUriBase has none of its own"
    )
    wanted = parser.parse_args(arguments)
    try:
        notes = convert(wanted.folder, wanted.inventory, address=wanted.address, clips_name=wanted.clips_name)
    except (CannotCarryError, shell_files.ShellFileError, inventory.InventoryExistsError) as error:
        print(f"Nothing was written. To be mended first:\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Nothing was written. {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for note in notes:
        print(note)
    print(_LEFT.format(folder=wanted.inventory))
    return 0


def convert(folder: Path, target: Path, *, address: str, clips_name: str = "") -> list[str]:
    """Read the three files and write the inventory; returns what the owner should know.

    Raises:
        CannotCarryError, shell_files.ShellFileError: something cannot be carried over.
        inventory.InventoryExistsError: the target exists.
        OSError: a file cannot be read or written.
    """
    config = _config(folder / "config.json")
    known = shell_files.variables((folder / "vars.sh").read_text(encoding="utf-8"))
    streams = shell_files.streams((folder / "proxy-start.sh").read_text(encoding="utf-8"), known)
    recordings = config.get("recordings") or {}
    carried = cameras.carry(config["cameras"], streams, recordings.get("recordingsBasePath") or "")
    problems = list(carried.problems)
    if len(carried.hosts) > 1:
        problems.append(f"the cameras' uris name several hosts ({', '.join(sorted(carried.hosts))}); leave one")
    streams_name = next(iter(carried.hosts), "")
    clips_name = clips_name or urlsplit(recordings.get("videoUriBase") or "").hostname or ""
    if clips_name in ("", streams_name):
        problems.append(
            "recordings need a DNS name of their own, because both names share port 443; make one that leads to the"
            " same address and give it with --clips-name"
        )
    if problems:
        raise CannotCarryError("\n".join(f"- {problem}" for problem in problems))
    inventory.write(
        target,
        address=address,
        appliance={
            "appliance_streams_name": streams_name,
            "appliance_clips_name": clips_name,
            "appliance_signing_key_previous": "",
            "certbot_email": "",
            "certbot_dns_plugin": "",
            "certbot_dns_credentials": {},
            "appliance_notify": {},
        },
        skill={"skill_enabled": True, "skill_name": "My Cameras", "skill_locales": ["en-US"], "skill_owners": []},
        cameras=carried.cameras,
        secrets=carried.passwords,
    )
    unused = sorted(set(range(1, len(streams) + 1)) - carried.used)
    return [
        f"The proxy's stream {number} was no camera of config.json, and is not in the inventory." for number in unused
    ]


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise CannotCarryError(f"- {path} is no JSON; correct it") from None
    if not isinstance(config, dict) or not isinstance(config.get("cameras"), list) or not config["cameras"]:
        raise CannotCarryError(f"- {path} has no list of cameras; it is the file of alexa-ip-cam 1.x with `cameras`")
    return config


if __name__ == "__main__":
    sys.exit(main())
