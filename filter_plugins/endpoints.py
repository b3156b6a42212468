"""Filter: the cameras as Alexa's discovery lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from alexa_ip_cam.lambda_zip import settings_from_inventory
from alexa_ip_cam.skill.discovery import endpoints
from alexa_ip_cam.skill.settings import SettingsError, parse_settings

# What the skill's settings need besides and its discovery does not show.
_UNSEEN = {"appliance_signing_key": "0" * 64, "skill_lwa_client_id": "none"}


def alexa_endpoints(home: Mapping[str, Any]) -> list[Any]:
    """What the skill answers when Alexa discovers, so that the events service can tell what has changed.

    Args:
        home: the inventory's variables, as `lambda_zip.settings_from_inventory` takes them; keys are not needed.

    Raises:
        AnsibleFilterError: a variable is missing or of another form.
    """
    try:
        settings = parse_settings(settings_from_inventory({**home, **_UNSEEN}, table="none", region="eu-west-1"))
    except SettingsError as problem:
        raise AnsibleFilterError(f"alexa_endpoints: {problem}") from None
    return endpoints(settings.sites[0])


class FilterModule:
    """Tells Ansible which filters this file has."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"alexa_endpoints": alexa_endpoints}
