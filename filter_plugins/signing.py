"""Filters for the keys of signed URLs."""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from alexa_ip_cam.signing import derive_key

_MAKE_ONE = "make one with: openssl rand -hex 32"


def derived_key(root_hex: object, purpose: str, digits: int = 64) -> str:
    """The key of one purpose in hexadecimal: ``appliance_signing_key | derived_key('streams')``.

    Args:
        root_hex: the root key, 64 hexadecimal digits.
        purpose: ``streams``, ``clips`` or ``snapshots``.
        digits: how many digits of the derived key to give: 40 for Apache, 64 for everything else.

    Raises:
        AnsibleFilterError: an argument has another form; says how to make a key, never shows the one given.
    """
    if not isinstance(root_hex, str):
        raise AnsibleFilterError(
            f"derived_key: the signing key must be a string of 64 hexadecimal digits, not a "
            f"{type(root_hex).__name__} (is it quoted in the inventory?); {_MAKE_ONE}"
        )
    if digits not in (40, 64):
        raise AnsibleFilterError(f"derived_key: digits must be 40 (for Apache) or 64, not {digits!r}")
    try:
        return derive_key(root_hex, purpose).hex()[:digits]
    except ValueError as problem:
        raise AnsibleFilterError(f"derived_key: {problem}") from None


class FilterModule:
    """Tells Ansible which filters this file has."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filters by name."""
        return {"derived_key": derived_key}
