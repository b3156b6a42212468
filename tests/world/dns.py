"""The DNS host: BIND with authority over `example.test` and an answer of the host's resolver for the rest."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update

ZONE = "example.test"
ZONE_FILE = "/var/lib/bind/example.test.zone"

_TIMEOUT_S = 5.0
_TTL_S = 1


@dataclass(frozen=True)
class UpdateKey:
    """A TSIG key (RFC 8945). `secret` is in base64; `algorithm` is named as certbot's rfc2136 plugin names it."""

    name: str
    secret: str = field(repr=False)
    algorithm: str = "HMAC-SHA512"


def new_key(name: str) -> UpdateKey:
    """Return a fresh random key."""
    return UpdateKey(name, base64.b64encode(secrets.token_bytes(64)).decode())


def named_conf(
    *, forwarders: Sequence[str], clients: str, certbot: UpdateKey, owner: UpdateKey, challenge_names: Sequence[str]
) -> bytes:
    """Return BIND's configuration.

    Hosts of the network `clients` may ask for any name. The key `certbot` may change the TXT records of
    `_acme-challenge.` before each of `challenge_names`, and nothing else; the key `owner` may change all.
    """
    grants = [f"grant {certbot.name}. name _acme-challenge.{name}. TXT;" for name in challenge_names]
    keys = [
        f'key "{key.name}." {{ algorithm {key.algorithm.lower()}; secret "{key.secret}"; }};'
        for key in (certbot, owner)
    ]
    return "\n".join(
        [
            "options {",
            '    directory "/var/cache/bind";',
            "    listen-on { any; };",
            "    listen-on-v6 { none; };",
            f"    allow-query {{ 127.0.0.0/8; {clients}; }};",
            "    forward only;",
            f"    forwarders {{ {' '.join(f'{address};' for address in forwarders)} }};",
            "    dnssec-validation no;",
            "};",
            *keys,
            f'zone "{ZONE}" {{',
            "    type primary;",
            f'    file "{ZONE_FILE}";',
            "    update-policy {",
            f"        grant {owner.name}. zonesub ANY;",
            *(f"        {grant}" for grant in grants),
            "    };",
            "};",
            "",
        ]
    ).encode()


def zone_file(address: str) -> bytes:
    """Return the zone as it is at the start: its nameserver, the ACME server and nothing else."""
    return (
        f"$TTL {_TTL_S}\n"
        f"@ IN SOA ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 {_TTL_S}\n"
        f"@ IN NS ns.{ZONE}.\n"
        f"ns IN A {address}\n"
        f"acme IN A {address}\n"
    ).encode()


def replace_records(server: str, key: UpdateKey, name: str, kind: str, values: Sequence[str]) -> None:
    """Make `values` the only records of type `kind` of the fully qualified `name` (RFC 2136).

    Raises PermissionError when the server refuses, RuntimeError for another answer, and dnspython's errors
    (`dns.exception.DNSException`) when there is none.
    """
    algorithm = dns.tsig.HMAC_SHA512
    keyring = dns.tsigkeyring.from_text({f"{key.name}.": (algorithm, key.secret)})
    update = dns.update.UpdateMessage(ZONE, keyring=keyring)
    owner = f"{name.rstrip('.')}."
    update.delete(owner, kind)
    for value in values:
        update.add(owner, _TTL_S, kind, value)
    code = dns.query.tcp(update, server, timeout=_TIMEOUT_S).rcode()
    if code == dns.rcode.REFUSED:
        raise PermissionError(f"the DNS host refused to let {key.name} change {kind} of {name}")
    if code != dns.rcode.NOERROR:
        raise RuntimeError(f"the DNS host answered {dns.rcode.to_text(code)} for {kind} of {name}")
