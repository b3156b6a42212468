"""The zip as it is deployed: made from what the inventory says of each home and what is kept beside it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alexa_ip_cam import lambda_zip

HANDLER = lambda_zip.HANDLER

Home = Mapping[str, Any]


def whole_homes(homes: Iterable[Home], keys: Mapping[str, str], login: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Homes with what only the controller knows.

    Args:
        homes: their variables, without secrets.
        keys: root keys of signed URLs, by streams name.
        login: what the log-in at Amazon kept. Whoever logged in owns the homes that name no owners.
    """
    owner = [login["user_id"]] if login.get("user_id") else []
    return [
        {
            **home,
            "appliance_signing_key": keys.get(str(home.get("appliance_streams_name"))),
            "skill_lwa_client_id": login.get("client_id", ""),
            "skill_owners": home.get("skill_owners") or owner,
        }
        for home in homes
    ]


def settings(
    homes: Sequence[Home],
    *,
    table: str,
    region: str,
    messaging: Mapping[str, str] | None,
    lwa_url: str,
    store_url: str,
) -> dict[str, Any]:
    """The skill's settings; raises SettingsError. An empty `store_url` means Amazon's own."""
    return lambda_zip.settings_from_inventory(
        *homes, table=table, region=region, messaging=messaging, lwa_url=lwa_url, store_url=store_url or None
    )


def content(skill_settings: Mapping[str, Any], folder: Path) -> bytes:
    """The zip's bytes; raises SettingsError. It passes through a directory that only its owner can read."""
    path = folder / "skill.zip"
    lambda_zip.build(skill_settings, path)
    try:
        return path.read_bytes()
    finally:
        path.unlink()
