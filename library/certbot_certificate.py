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
  - A certificate that was made by hand and is right is taken over as it is, and stays where it was, too.
  - Looks at DNS before it asks, and waits longer after each try that failed, for the ACME server's limits.
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
  profile:
    description: One of the ACME server's profiles, which certbot must know; empty for the server's usual one.
    type: str
    default: ""
  certbot:
    description: The program.
    type: str
    default: certbot
  state_dir:
    description: Directory for what is remembered between runs.
    type: path
    default: /var/lib/letsencrypt
  roots_file:
    description: File with the roots that devices trust; I(preferred_chain) must be one of them. Empty for no check.
    type: str
    default: ""
  takeover_dir:
    description: Directory with a C(fullchain.pem) and C(privkey.pem) made by hand, taken over when they are right.
    type: str
    default: ""
  dns_plugin:
    description: Name of certbot's DNS plugin, as in C(python3-certbot-dns-NAME).
    type: str
    required: true
  auth_hook:
    description: Command that writes a challenge into DNS, in place of the plugin; empty for the plugin.
    type: str
    default: ""
  cleanup_hook:
    description: Command that takes the challenge away again.
    type: str
    default: ""
  delegations:
    description: For names whose C(_acme-challenge) is a CNAME, where it must lead.
    type: dict
    default: {}
  own_hooks:
    description: The hooks are the owner's own and may follow a CNAME by themselves.
    type: bool
    default: false
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
  description: >-
    What the certificate is: names, key_type, key_size, issuers (of each certificate of the chain, leaf first),
    topmost_issuer, serial, not_before, not_after, lifetime_days, days_left, and whether it should_renew. Empty in check
    mode when another one would be asked for.
  type: dict
  returned: success
"""

import datetime as dt
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.appliance import acme_directory, certbot_call, challenge_rules, dns_lookup, lineage, tries
from ansible.module_utils.appliance.certificate_memory import Memory
from ansible.module_utils.basic import AnsibleModule

_TRIES = 3
_TAIL_LINES = 15
_STAYS = "Nothing has changed; a certificate at hand stays as it was."


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "config_dir": {"type": "path", "default": "/etc/letsencrypt"},
            "logs_dir": {"type": "path", "default": "/var/log/letsencrypt"},
            "state_dir": {"type": "path", "default": "/var/lib/letsencrypt"},
            "certbot": {"type": "str", "default": "certbot"},
            "name": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
            "email": {"type": "str", "required": True},
            "server": {"type": "str", "required": True},
            "ca_bundle": {"type": "str", "default": ""},
            "key_type": {"type": "str", "choices": ["rsa", "ecdsa"], "default": "rsa", "no_log": False},
            "rsa_key_size": {"type": "int", "default": 4096, "no_log": False},
            "preferred_chain": {"type": "str", "default": ""},
            "profile": {"type": "str", "default": ""},
            "roots_file": {"type": "str", "default": ""},
            "takeover_dir": {"type": "str", "default": ""},
            "dns_plugin": {"type": "str", "required": True},
            "dns_credentials": {"type": "str", "default": ""},
            "dns_propagation_seconds": {"type": "int", "required": True},
            "auth_hook": {"type": "str", "default": ""},
            "cleanup_hook": {"type": "str", "default": ""},
            "delegations": {"type": "dict", "default": {}},
            "own_hooks": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    live = Path(wanted["config_dir"]) / "live" / wanted["name"]
    memory = Memory(Path(wanted["state_dir"]) / f"alexa-ip-cam-{wanted['name']}.json")
    try:
        reason, from_hand = _decide(module, live, memory)
        if reason and not module.check_mode:
            if from_hand is not None:
                _take_over(module, from_hand)
            else:
                _issue(module, memory, reason)
        if not module.check_mode:
            memory.ours(certbot_call.settings(wanted))
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"The certificate could not be put in place: {error}")
    changed = bool(reason)
    certificate = {} if changed and module.check_mode else _described(live)
    module.exit_json(changed=changed, reason=reason or "the certificate is right", certificate=certificate)


def _decide(module: AnsibleModule, live: Path, memory: Memory) -> tuple[str, Path | None]:
    """Why something has to be done, empty when nothing has; and what was made by hand and can be taken over for it."""
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    wanted = module.params
    if not (live / "fullchain.pem").exists():
        for directory in _made_by_hand(wanted):
            if _fits(wanted, directory):
                stays = f"{directory} stays as it is, and goes on being renewed if it was"
                return (
                    f"the certificate in {directory} is right, and is taken over without a new one; {stays}",
                    directory,
                )
        return "there is no certificate yet", None
    try:
        found = rules.read(live)
    except ValueError as error:
        return f"the certificate cannot be read: {error}", None
    if found is None:
        return "the certificate's private key is missing", None
    reasons = rules.differences(found, _rules_wanted(wanted))
    late = rules.overdue(found, dt.datetime.now(dt.UTC))
    reasons += [late] if late else []
    conf = Path(wanted["config_dir"]) / "renewal" / f"{wanted['name']}.conf"
    noted = conf.read_text() if conf.exists() else ""
    settings = rules.setting_differences(
        noted, certbot_call.settings(wanted), certbot_call.unsettled(wanted), memory.settings
    )
    if settings and not reasons and not memory.is_ours:
        return f"the certificate was made by hand and is right; only its renewal is set: {'; '.join(settings)}", live
    return "; ".join(reasons + settings), None


def _made_by_hand(wanted: dict[str, Any]) -> list[Path]:
    """Where a certificate may be that was made before: certbot's own others, and where the owner says."""
    config = Path(wanted["config_dir"])
    others = [path.parent for path in sorted((config / "live").glob("*/fullchain.pem"))]
    # One of another ACME server, such as a server for tries, would be renewed from there.
    known = [path for path in others if lineage.server(config, path.name) == wanted["server"]]
    return [*known, *([Path(wanted["takeover_dir"])] if wanted["takeover_dir"] else [])]


def _fits(wanted: dict[str, Any], directory: Path) -> bool:
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    try:
        found = rules.read(directory)
    except ValueError:
        return False
    if found is None or rules.differences(found, _rules_wanted(wanted)):
        return False
    return rules.overdue(found, dt.datetime.now(dt.UTC)) is None


def _take_over(module: AnsibleModule, directory: Path) -> None:
    """Make a certificate that was made by hand the current one; ends the module when that fails."""
    wanted = module.params
    config = Path(wanted["config_dir"])
    (config / "accounts").mkdir(mode=0o700, exist_ok=True)
    account = lineage.account(config, wanted["name"], wanted["server"])
    if account is None:
        code, out, err = module.run_command(certbot_call.register(wanted), environ_update=_environment(wanted))
        account = lineage.account(config, wanted["name"], wanted["server"])
        if code != 0 or account is None:
            said = (out + err).strip()
            module.fail_json(msg=f"certbot could make no account at {wanted['server']}. {_STAYS} certbot said:\n{said}")
    lineage.take_over(directory, config, wanted["name"], {"account": str(account), **certbot_call.settings(wanted)})
    _run_hooks(module, config)


def _issue(module: AnsibleModule, memory: Memory, reason: str) -> None:
    """Have certbot issue aside, check what came, and put it in place; ends the module when it is not right."""
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    wanted = module.params
    config = Path(wanted["config_dir"])
    aside = config / f".{wanted['name']}.new"
    inputs = _digest(wanted)
    _require_ready(module, memory, inputs, reason)
    lineage.remove(aside)  # left by a run that was killed
    aside.mkdir(mode=0o700)
    try:
        # Accounts are shared, so that no new one is made for each certificate.
        (config / "accounts").mkdir(mode=0o700, exist_ok=True)
        (aside / "accounts").symlink_to(config / "accounts")
        said = _run_certbot(module, aside)
        if said is not None:
            memory.failed(inputs, said, issued=False)
            msg = f"certbot got no certificate ({reason}). {_STAYS} certbot said:\n{said}"
            module.fail_json(msg=msg, reason=reason)
        issued = rules.read(aside / "live" / wanted["name"])
        if issued is None:
            module.fail_json(msg=f"certbot ended well but left no certificate. {_STAYS}", reason=reason)
        if wrong := rules.differences(issued, _rules_wanted(wanted)):
            memory.failed(inputs, "; ".join(wrong), issued=True)
            hint = ""
            if wanted["preferred_chain"] and issued.topmost_issuer != wanted["preferred_chain"]:
                hint = (
                    " The ACME server offers no chain to that root: see which roots it names and which of them your"
                    " Echo devices trust, and set certbot_preferred_chain to that name."
                )
            msg = f"The certificate that {wanted['server']} issued is refused: {'; '.join(wrong)}.{hint} {_STAYS}"
            module.fail_json(msg=msg, reason=reason)
        lineage.put_in_place(aside, config, wanted["name"])
    finally:
        lineage.remove(aside)
    _run_hooks(module, config)


def _require_ready(module: AnsibleModule, memory: Memory, inputs: str, reason: str) -> None:
    """End the module when the ACME server must not be asked now, or cannot give what is wanted."""
    from ansible.module_utils.appliance import certificate_rules as rules  # noqa: PLC0415 - comes with certbot

    wanted = module.params
    chain, roots = wanted["preferred_chain"], wanted["roots_file"]
    if chain and roots and chain not in (names := rules.subjects(Path(roots))):
        msg = (
            f"certbot_preferred_chain is {chain!r}, but the root at hand is {', '.join(names)}: set certbot_root_file."
        )
        module.fail_json(msg=f"{msg} {_STAYS}", reason=reason)
    now = time.time()
    at = tries.wait_until(memory.failures, inputs, now)
    if at > now:
        when = f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        msg = (
            f"A new certificate is needed ({reason}), but the last try failed, and for the ACME server's limits the"
            f" next one may not be made before {when}. {_STAYS} Change the setting that was wrong, or run again then;"
            f" if something else was wrong and is mended, remove {memory.path} first. The last try:"
            f" {memory.failures[-1].said}"
        )
        module.fail_json(msg=msg, reason=reason)
    _require_profile(module, reason)
    found = challenge_rules.problems(
        wanted["names"], wanted["delegations"], own_hooks=wanted["own_hooks"], ask=dns_lookup.ask
    )
    if found:
        msg = f"DNS is not ready for a certificate: {'; '.join(found)}. The ACME server was not asked. {_STAYS}"
        module.fail_json(msg=msg, reason=reason)


def _require_profile(module: AnsibleModule, reason: str) -> None:
    """End the module when the profile is not among those that the ACME server offers.

    A server that knows no profiles ignores what certbot requires, and issues the usual certificate.
    """
    wanted = module.params
    if not wanted["profile"]:
        return
    try:
        offered = acme_directory.profiles(wanted["server"], wanted["ca_bundle"])
    except (OSError, ValueError) as error:
        msg = f"The ACME server could not be asked for its profiles: {error}. {_STAYS}"
        module.fail_json(msg=msg, reason=reason)
    if wanted["profile"] not in offered:
        msg = (
            f"certbot_profile is {wanted['profile']!r}, but {wanted['server']} offers"
            f" {', '.join(offered) or 'no profiles'}: take one of those, or leave certbot_profile empty."
        )
        module.fail_json(msg=f"{msg} {_STAYS}", reason=reason)


def _digest(wanted: dict[str, Any]) -> str:
    """A digest of all that decides whether a try can do well, the files that are named included."""
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True, default=str).encode())
    for path in (wanted["dns_credentials"], *wanted["auth_hook"].split()[:2], wanted["ca_bundle"]):
        if path and Path(path).is_file():
            digest.update(Path(path).read_bytes())
    return digest.hexdigest()


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
    command = certbot_call.certonly(wanted, aside)
    log = Path(wanted["logs_dir"]) / "letsencrypt.log"
    said = ""
    for _ in range(_TRIES):
        logged = log.stat().st_size if log.exists() else 0
        code, out, err = module.run_command(command, environ_update=_environment(wanted))
        if code == 0:
            return None
        acme_error = _acme_error(log, logged)
        said = "\n".join([*(out + err).rstrip().splitlines()[-_TAIL_LINES:], acme_error]).rstrip()
        if "error:badNonce" not in acme_error:  # RFC 8555 section 6.5: try again; certbot gives up after the second
            break
    return said


def _environment(wanted: dict[str, Any]) -> dict[str, str]:
    return {"REQUESTS_CA_BUNDLE": wanted["ca_bundle"]} if wanted["ca_bundle"] else {}


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

    found, now = rules.read(live), dt.datetime.now(dt.UTC)
    if found is None:
        return {}
    return {
        "names": sorted(found.names),
        "key_type": found.key_type,
        "key_size": found.key_size,
        "issuers": list(found.issuers),
        "topmost_issuer": found.topmost_issuer,
        "not_before": found.not_before.isoformat(),
        "not_after": found.not_after.isoformat(),
        "lifetime_days": round((found.not_after - found.not_before) / dt.timedelta(days=1), 2),
        "days_left": round((found.not_after - now) / dt.timedelta(days=1), 2),
        "should_renew": found.life_left(now) < found.renewal_share,
        "serial": found.serial,
    }


if __name__ == "__main__":
    main()
