"""How certbot is called for a certificate, and what it must have noted for the renewal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def certonly(wanted: Mapping[str, Any], config_dir: Path) -> list[str]:
    """The command for a new certificate; `wanted` are the module's parameters."""
    command = [wanted["certbot"], "certonly", *_always(wanted, config_dir),
               "--work-dir", str(config_dir / "work"), "--cert-name", wanted["name"],
               "--key-type", wanted["key_type"], *_challenge(wanted)]  # fmt: skip
    if wanted["key_type"] == "rsa":
        command += ["--rsa-key-size", str(wanted["rsa_key_size"])]
    if wanted["preferred_chain"]:
        command += ["--preferred-chain", wanted["preferred_chain"]]
    if wanted["profile"]:
        # Not --preferred-profile, which takes another in silence.
        command += ["--required-profile", wanted["profile"]]
    for name in wanted["names"]:
        command += ["--domain", name]
    return command


def register(wanted: Mapping[str, Any]) -> list[str]:
    """The command for an account."""
    return [wanted["certbot"], "register", *_always(wanted, Path(wanted["config_dir"]))]


def _always(wanted: Mapping[str, Any], config_dir: Path) -> list[str]:
    return ["--non-interactive", "--agree-tos", "--no-eff-email", "--email", wanted["email"],
            "--server", wanted["server"], "--config-dir", str(config_dir),
            "--logs-dir", wanted["logs_dir"]]  # fmt: skip


def _challenge(wanted: Mapping[str, Any]) -> list[str]:
    if wanted["auth_hook"]:
        return ["--authenticator", "manual", "--preferred-challenges", "dns",
                "--manual-auth-hook", wanted["auth_hook"], "--manual-cleanup-hook", wanted["cleanup_hook"]]  # fmt: skip
    plugin = f"dns-{wanted['dns_plugin']}"
    command = ["--authenticator", plugin, f"--{plugin}-propagation-seconds", str(wanted["dns_propagation_seconds"])]
    if wanted["dns_credentials"]:
        command += [f"--{plugin}-credentials", wanted["dns_credentials"]]
    return command


def settings(wanted: Mapping[str, Any]) -> dict[str, str]:
    """What certbot must have noted for the renewal, under the names it notes it."""
    kept = {
        "server": wanted["server"],
        "key_type": wanted["key_type"],
        "preferred_chain": wanted["preferred_chain"],
        "required_profile": wanted["profile"],
    }
    if wanted["auth_hook"]:
        kept |= {
            "authenticator": "manual",
            "pref_challs": "dns-01,",
            "manual_auth_hook": wanted["auth_hook"],
            "manual_cleanup_hook": wanted["cleanup_hook"],
        }
    else:
        prefix = f"dns_{wanted['dns_plugin'].replace('-', '_')}"
        kept |= {
            "authenticator": f"dns-{wanted['dns_plugin']}",
            f"{prefix}_propagation_seconds": str(wanted["dns_propagation_seconds"]),
            f"{prefix}_credentials": wanted["dns_credentials"],
        }
    if wanted["key_type"] == "rsa":
        kept["rsa_key_size"] = str(wanted["rsa_key_size"])
    return {name: value for name, value in kept.items() if value}


def unsettled(wanted: Mapping[str, Any]) -> list[str]:
    """What certbot must not have noted for the renewal."""
    kept = {"preferred_chain": wanted["preferred_chain"], "required_profile": wanted["profile"]}
    return ["preferred_profile", *(name for name, value in kept.items() if not value)]
