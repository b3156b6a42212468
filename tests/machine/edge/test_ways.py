"""Other ways to a certificate: one made by hand, programs of the owner, a CNAME that leads away, pip's certbot.

Each begins at what the one before has left behind, and the last goes back to the usual way: a run of the role is dear.
"""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from home.inventory import STREAMS_NAME
from machine.edge.bench import DELEGATED, Edge
from machine.edge.doings import LIVE, failed_renewal, file_replaced, refusal, renew

pytestmark = pytest.mark.machine

TARGET = f"_acme-challenge.{DELEGATED}"
CONF = "/etc/letsencrypt/renewal/alexa-ip-cam.conf"


def test_one_made_by_hand_is_taken_over_without_an_order_and_renewed(edge: Edge) -> None:
    command = ["certbot", "certonly", "-n", "--agree-tos", "-m", "owner@example.test", "--cert-name", "by-hand",
               "--server", edge.world.acme_directory, "--key-type", "rsa", "--rsa-key-size", "2048",
               "--dns-rfc2136", "--dns-rfc2136-credentials", "/etc/letsencrypt/dns-rfc2136.ini",
               "--dns-rfc2136-propagation-seconds", "1",
               "--preferred-chain", edge.variables["certbot_preferred_chain"],
               "-d", STREAMS_NAME]  # fmt: skip
    bundle = "REQUESTS_CA_BUNDLE=/etc/letsencrypt/alexa-ip-cam-acme-ca.pem"
    for _ in range(3):  # the ACME server refuses some nonces
        done = edge.appliance.run(["env", bundle, *command], check=False, timeout=120)
        if done.returncode == 0:
            break
    assert done.returncode == 0
    orders = edge.acme_orders()
    taken: dict[str, Any] = {"certbot_certificate_name": "taken", "certbot_names": [STREAMS_NAME]}
    assert edge.play(roles=("certbot",), **taken).changed > 0
    assert edge.acme_orders() == orders
    live = LIVE.replace("alexa-ip-cam", "taken")
    by_hand = edge.appliance.read("/etc/letsencrypt/live/by-hand/fullchain.pem")
    assert edge.appliance.read(f"{live}/fullchain.pem") == by_hand
    assert renew(edge, live) == 0
    assert edge.appliance.read(f"{live}/fullchain.pem") != by_hand
    for name in ("taken", "by-hand"):
        edge.appliance.run(["certbot", "delete", "-n", "--cert-name", name])


# As an owner would write it for a DNS host of theirs; dnspython is on the machine with certbot's rfc2136 plugin.
_HOOK = """\
#!/usr/bin/python3
import os, time
import dns.query, dns.tsigkeyring, dns.update
lines = open("/etc/letsencrypt/dns-hooks.ini").read().splitlines()
told = dict(line.split(" = ", 1) for line in lines if " = " in line)
time.sleep({seconds})
ring = dns.tsigkeyring.from_text({{told["key"]: told["secret"]}})
update = dns.update.UpdateMessage("example.test", keyring=ring, keyalgorithm="hmac-sha512")
name = "_acme-challenge." + os.environ["CERTBOT_DOMAIN"] + "."
{change}
dns.query.tcp(update, told["server"], timeout=5)
"""


def hooks(edge: Edge, directory: Path, *, late: bool = False) -> dict[str, Any]:
    """The variables for programs of the owner; `late` ones have the record appear some seconds after they end."""
    change = 'update.add(name, 1, "TXT", os.environ["CERTBOT_VALIDATION"])'
    text = _HOOK.format(seconds=0, change=change)
    if late:
        away = "if os.fork(): os._exit(0)\nos.setsid(); os.close(1); os.close(2); time.sleep(3)"
        text = text.replace("time.sleep(0)", away)
    (directory / "auth").write_text(text)
    (directory / "cleanup").write_text(_HOOK.format(seconds=0, change='update.delete(name, "TXT")'))
    key = edge.world.dns_update_key
    return {
        "certbot_dns_plugin": "hooks",
        "certbot_dns_hooks": {"auth": str(directory / "auth"), "cleanup": str(directory / "cleanup")},
        "certbot_dns_credentials": {"server": edge.world.address, "key": f"{key.name}.", "secret": key.secret},
    }


def test_programs_of_the_owner(edge: Edge, tmp_path: Path) -> None:
    ours = hooks(edge, tmp_path)
    before = edge.served()
    recap = edge.play("--diff", roles=("certbot",), **ours)
    assert recap.changed > 0
    assert ours["certbot_dns_credentials"]["secret"] not in recap.output
    assert edge.served() != before
    assert edge.play(roles=("certbot",), **ours).changed == 0
    assert renew(edge) == 0
    modes = edge.appliance.run(["stat", "-c", "%a", "/etc/letsencrypt/dns-hooks.ini",
                                "/etc/letsencrypt/alexa-ip-cam-hooks/auth"]).stdout.split()  # fmt: skip
    assert modes == ["600", "700"]


def test_dns_that_is_slow_is_given_more_time_or_the_old_certificate_stays(edge: Edge, tmp_path: Path) -> None:
    slow = {**hooks(edge, tmp_path, late=True), "certbot_names": [STREAMS_NAME]}
    before = edge.served()
    assert edge.play(roles=("certbot",), **slow, certbot_dns_propagation_seconds=5).failed == 0
    assert (first := edge.served()) != before
    # As if the host had become slower than what it is given.
    impatient = edge.appliance.read(CONF).replace(b"sleep 5", b"sleep 0")
    with file_replaced(edge, CONF, impatient):
        failed_renewal(edge, "challenges have failed")
    assert edge.served() == first
    assert renew(edge) == 0
    assert edge.served() != first


def test_challenges_that_a_cname_leads_away(edge: Edge) -> None:
    """For a DNS host that lets no program in: the owner adds one CNAME record by hand, once."""
    away = {"certbot_dns_delegations": {STREAMS_NAME: TARGET}}
    orders = edge.acme_orders()
    said = refusal(edge, roles=("certbot",), **away)
    assert f"DNS has no record _acme-challenge.{STREAMS_NAME} CNAME {TARGET}: add it at the DNS host" in said
    assert edge.acme_orders() == orders
    edge.world.set_alias(f"_acme-challenge.{STREAMS_NAME}", TARGET)
    try:
        said = refusal(edge, roles=("certbot",))
        assert f"_acme-challenge.{STREAMS_NAME} is a CNAME to {TARGET}" in said
        assert edge.acme_orders() == orders
        before = edge.served()
        assert edge.play(roles=("certbot",), **away).failed == 0
        assert edge.served() != before
        assert edge.play(roles=("certbot",), **away).changed == 0
        assert renew(edge) == 0
    finally:
        edge.world.set_alias(f"_acme-challenge.{STREAMS_NAME}", None)


def test_certbot_from_pip(edge: Edge) -> None:
    """It asks the ACME server when to renew, if that has a wish (RFC 9773); so nothing is planned for it."""
    assert edge.play(roles=("certbot",), certbot_install="pip").changed > 0
    assert edge.play(roles=("certbot",), certbot_install="pip").changed == 0
    shown = edge.appliance.run(["systemctl", "show", "-p", "ExecStart", "certbot.service"]).stdout
    assert "/usr/local/lib/alexa-ip-cam/certbot/current/bin/certbot" in shown
    version = edge.appliance.run(["/usr/local/lib/alexa-ip-cam/certbot/current/bin/certbot", "--version"]).stdout
    assert int(version.split()[1].split(".")[0]) >= 5
    assert renew(edge) == 0
    assert edge.served() == ssl.PEM_cert_to_DER_cert(edge.appliance.read(f"{LIVE}/cert.pem").decode())
    assert "renew_before_expiry =" not in edge.appliance.read(CONF).decode()
    proof = json.loads(edge.appliance.read("/var/lib/alexa-ip-cam-proof/proof.json"))
    assert proof["ok"] is True
    # This ACME server has no such profile, and certbot alone would be given the usual certificate.
    before = edge.served()
    said = refusal(edge, roles=("certbot",), certbot_install="pip", certbot_profile="shortlived")
    assert f"certbot_profile is 'shortlived', but {edge.world.acme_directory} offers" in said
    assert edge.served() == before
    assert edge.play(roles=("certbot",)).failed == 0
