#!/usr/bin/python
"""Ansible module: a certificate by certbot and a DNS plugin, issued aside and checked before it replaces another."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certbot_certificate
short_description: Have a certificate that is exactly what is wanted
description:
  - Asks the ACME server only when there is no certificate, the one at hand or the settings for its renewal are not the
    wanted ones, or its renewal is overdue.
  - certbot issues into a directory of its own. Only a certificate that is right takes the place of the one at hand, so
    that a failure changes nothing. certbot by itself falls back silently when no chain is the preferred one.
  - Then runs the deploy hooks in C(renewal-hooks/deploy), as certbot does.
options:
  config_dir:
    description: certbot's directory of configuration.
    type: path
    default: /etc/letsencrypt
  logs_dir:
    description: certbot's directory of logs.
    type: path
    default: /var/log/letsencrypt
  name:
    description: certbot's name for the certificate.
    type: str
    required: true
  names:
    description: DNS names in the certificate.
    type: list
    elements: str
    required: true
  email:
    description: Given to the ACME server when the account is made.
    type: str
    required: true
  server:
    description: URL of the ACME server's directory.
    type: str
    required: true
  ca_bundle:
    description: File with the authorities to trust for talking to the ACME server; empty for the usual ones.
    type: str
    default: ""
  key_type:
    description: Type of the private key.
    type: str
    choices: [rsa, ecdsa]
    default: rsa
  rsa_key_size:
    description: Bits of an RSA key.
    type: int
    default: 4096
  preferred_chain:
    description: Common name of the root that the chain must lead to; empty for any.
    type: str
    default: ""
  dns_plugin:
    description: Name of certbot's DNS plugin, as in C(python3-certbot-dns-NAME).
    type: str
    required: true
  dns_credentials:
    description: File with the plugin's credentials; empty for a plugin that takes none.
    type: str
    default: ""
  dns_propagation_seconds:
    description: Time between the change in DNS and the question to the ACME server.
    type: int
    required: true
attributes:
  check_mode:
    description: Gives the decision and its reason and asks nobody.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
author:
  - alexa-ip-cam authors
"""

EXAMPLES = r"""
- name: Have a certificate
  certbot_certificate:
    name: alexa-ip-cam
    names: [cams.example.com, clips.example.com]
    email: owner@example.com
    server: https://acme-v02.api.letsencrypt.org/directory
    preferred_chain: ISRG Root X1
    dns_plugin: cloudflare
    dns_credentials: /etc/letsencrypt/dns-cloudflare.ini
    dns_propagation_seconds: 30
"""

RETURN = r"""
reason:
  description: Why a certificate was asked for, or that the one at hand is right.
  type: str
  returned: success
certificate:
  description: What the certificate is. Empty in check mode when another one would be asked for.
  type: dict
  returned: success
"""

import datetime as dt
import os
import re
from pathlib import Path
from typing import Any

from ansible.module_utils.appliance import lineage
from ansible.module_utils.basic import AnsibleModule

_TRIES = 3
_TAIL_LINES = 15


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "config_dir": {"type": "path", "default": "/etc/letsencrypt"},
            "logs_dir": {"type": "path", "default": "/var/log/letsencrypt"},
            "name": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
            "email": {"type": "str", "required": True},
            "server": {"type": "str", "required": True},
            "ca_bundle": {"type": "str", "default": ""},
            "key_type": {"type": "str", "choices": ["rsa", "ecdsa"], "default": "rsa", "no_log": False},
            "rsa_key_size": {"type": "int", "default": 4096, "no_log": False},
            "preferred_chain": {"type": "str", "default": ""},
            "dns_plugin": {"type": "str", "required": True},
            "dns_credentials": {"type": "str", "default": ""},
            "dns_propagation_seconds": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    live = Path(wanted["config_dir"]) / "live" / wanted["name"]
    reason = "there is no certificate yet"
    if (live / "fullchain.pem").exists():
        reason = _reason(wanted, live)
    changed = bool(reason)
    if changed and not module.check_mode:
        try:
            _issue(module, reason)
        except (OSError, ValueError) as error:
            module.fail_json(msg=f"The new certificate could not be put in place: {error}", reason=reason)
    certificate = {} if changed and module.check_mode else _described(live)
    module.exit_json(changed=changed, reason=reason or "the certificate is right", certificate=certificate)


def _reason(wanted: dict[str, Any], live: Path) -> str:
    """Why a certificate has to be asked for; empty when the one at hand is right."""
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    try:
        found = rules.read(live)
    except ValueError as error:
        return f"the certificate cannot be read: {error}"
    if found is None:
        return "the certificate's private key is missing"
    reasons = rules.differences(found, _rules_wanted(wanted))
    conf = Path(wanted["config_dir"]) / "renewal" / f"{wanted['name']}.conf"
    reasons += rules.setting_differences(conf.read_text() if conf.exists() else "", _settings(wanted))
    late = rules.overdue(found, dt.datetime.now(dt.UTC))
    return "; ".join([*reasons, late] if late else reasons)


def _issue(module: AnsibleModule, reason: str) -> None:
    """Have certbot issue aside, check what came, and put it in place; ends the module when it is not right."""
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    wanted = module.params
    config = Path(wanted["config_dir"])
    aside = config / f".{wanted['name']}.new"
    stays = "Nothing has changed; a certificate at hand stays as it was."
    lineage.remove(aside)  # left by a run that was killed
    aside.mkdir(mode=0o700)
    try:
        # Accounts are shared, so that no new one is made for each certificate.
        (config / "accounts").mkdir(mode=0o700, exist_ok=True)
        (aside / "accounts").symlink_to(config / "accounts")
        said = _run_certbot(module, aside)
        if said is not None:
            msg = f"certbot got no certificate ({reason}). {stays} certbot said:\n{said}"
            module.fail_json(msg=msg, reason=reason)
        issued = rules.read(aside / "live" / wanted["name"])
        if issued is None:
            module.fail_json(msg=f"certbot ended well but left no certificate. {stays}", reason=reason)
        if wrong := rules.differences(issued, _rules_wanted(wanted)):
            hint = ""
            if wanted["preferred_chain"] and issued.topmost_issuer != wanted["preferred_chain"]:
                hint = (
                    " The ACME server offers no chain to that root: see which roots it names and which of them your"
                    " Echo devices trust, and set certbot_preferred_chain to that name."
                )
            msg = f"The certificate that {wanted['server']} issued is refused: {'; '.join(wrong)}.{hint} {stays}"
            module.fail_json(msg=msg, reason=reason)
        lineage.put_in_place(aside, config, wanted["name"])
    finally:
        lineage.remove(aside)
    _run_hooks(module, config)


def _run_hooks(module: AnsibleModule, config: Path) -> None:
    """Tell who uses the certificate; ends the module when one of them fails."""
    wanted = module.params
    environment = {
        "RENEWED_LINEAGE": str(config / "live" / wanted["name"]),
        "RENEWED_DOMAINS": " ".join(wanted["names"]),
    }
    for hook in sorted((config / "renewal-hooks/deploy").glob("*[!~]")):
        if hook.is_file() and os.access(hook, os.X_OK):
            code, out, err = module.run_command([str(hook)], environ_update=environment)
            if code != 0:
                msg = f"The new certificate is in place, but {hook} could not pass it on: {(err or out).strip()}"
                module.fail_json(msg=msg)


def _run_certbot(module: AnsibleModule, aside: Path) -> str | None:
    """Run certbot with its configuration in `aside`; returns None, or the end of what it said when it failed."""
    wanted = module.params
    plugin = f"dns-{wanted['dns_plugin']}"
    command = ["certbot", "certonly", "--non-interactive", "--agree-tos", "--no-eff-email",
               "--email", wanted["email"], "--config-dir", str(aside), "--work-dir", str(aside / "work"),
               "--logs-dir", wanted["logs_dir"],
               "--cert-name", wanted["name"], "--server", wanted["server"],
               "--key-type", wanted["key_type"], "--authenticator", plugin,
               f"--{plugin}-propagation-seconds", str(wanted["dns_propagation_seconds"])]  # fmt: skip
    if wanted["key_type"] == "rsa":
        command += ["--rsa-key-size", str(wanted["rsa_key_size"])]
    if wanted["preferred_chain"]:
        command += ["--preferred-chain", wanted["preferred_chain"]]
    if wanted["dns_credentials"]:
        command += [f"--{plugin}-credentials", wanted["dns_credentials"]]
    for name in wanted["names"]:
        command += ["--domain", name]
    environment = {"REQUESTS_CA_BUNDLE": wanted["ca_bundle"]} if wanted["ca_bundle"] else {}
    log = Path(wanted["logs_dir"]) / "letsencrypt.log"
    said = ""
    for _ in range(_TRIES):
        logged = log.stat().st_size if log.exists() else 0
        code, out, err = module.run_command(command, environ_update=environment)
        if code == 0:
            return None
        acme_error = _acme_error(log, logged)
        said = "\n".join([*(out + err).rstrip().splitlines()[-_TAIL_LINES:], acme_error]).rstrip()
        if "error:badNonce" not in acme_error:  # RFC 8555 section 6.5: try again; certbot gives up after the second
            break
    return said


def _acme_error(log: Path, start: int) -> str:
    """The last error of the ACME server that ended certbot, from what it logged since byte `start`; empty if none.

    certbot of Debian 12 prints "can't set attribute" in its place.
    """
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(start)
        text = stream.read().decode(errors="replace")
    errors = re.findall(r"^acme\.messages\.Error: (urn:.*)$", text, re.MULTILINE)
    return errors[-1] if errors else ""


def _settings(wanted: dict[str, Any]) -> dict[str, str]:
    """What certbot must have noted for the renewal, under the names it notes it."""
    prefix = f"dns_{wanted['dns_plugin'].replace('-', '_')}"
    settings = {
        "server": wanted["server"],
        "authenticator": f"dns-{wanted['dns_plugin']}",
        f"{prefix}_propagation_seconds": str(wanted["dns_propagation_seconds"]),
        "key_type": wanted["key_type"],
        f"{prefix}_credentials": wanted["dns_credentials"],
        "preferred_chain": wanted["preferred_chain"],
    }
    if wanted["key_type"] == "rsa":
        settings["rsa_key_size"] = str(wanted["rsa_key_size"])
    return {name: value for name, value in settings.items() if value}


def _rules_wanted(wanted: dict[str, Any]) -> Any:
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    return rules.Wanted(
        names=frozenset(name.lower() for name in wanted["names"]),
        key_type=wanted["key_type"],
        rsa_key_size=wanted["rsa_key_size"],
        preferred_chain=wanted["preferred_chain"],
    )


def _described(live: Path) -> dict[str, Any]:
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    found = rules.read(live)
    if found is None:
        return {}
    return {
        "names": sorted(found.names),
        "key_type": found.key_type,
        "key_size": found.key_size,
        "issuers": list(found.issuers),
        "topmost_issuer": found.topmost_issuer,
        "not_after": found.not_after.isoformat(),
        "serial": found.serial,
    }


if __name__ == "__main__":
    main()
