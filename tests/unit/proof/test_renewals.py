"""What is made of certbot's failures, in the words it was seen to use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alexa_ip_cam.proof import __main__ as program
from alexa_ip_cam.proof import renewals

REFUSED_NONCE = "acme.messages.Error: urn:ietf:params:acme:error:badNonce :: The client sent a bad anti-replay nonce"


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("urn:ietf:params:acme:error:rateLimited :: too many certificates (5) already issued", "asks to wait"),
        ("The server will not issue: HTTP 429", "asks to wait"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate is not yet valid (_ssl.c:992)", "clock seems wrong"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired (_ssl.c:992)", "clock seems wrong"),
        ("stunnel: stunnel kept its old configuration", "Mend what stunnel says"),
        ("The peer didn't like the signature we sent", "refuses the credentials"),
        ("Received response from server: REFUSED", "refuses the credentials"),
        ("403 Client Error: Forbidden for url: ACCESS_DENIED", "docs/certificates.md"),
        ("urn:ietf:params:acme:error:unauthorized :: No TXT record found", "certbot_dns_propagation_seconds"),
        ("Detail: DNS problem: NXDOMAIN looking up TXT for _acme-challenge.x", "certbot_dns_propagation_seconds"),
        (
            "Some challenges have failed. / a.example: unauthorized: Correct value not found",
            "by certbot_dns_propagation",
        ),
        ("HTTPSConnectionPool(host='a'): NewConnectionError: Connection refused", "cannot be reached"),
        ("Temporary failure in name resolution", "cannot be reached"),
        ("The DNS operation timed out after 45 seconds", "cannot be reached"),
        ("urn:ietf:params:acme:error:serverInternal :: boom", "cannot be reached"),
        ("'Namespace' object has no attribute 'dns_cloudflare_credentials'", "does not find its DNS plugin"),
        ("something never seen", "journalctl -u certbot"),
    ],
)
def test_each_trouble_has_its_mend(said: str, mend: str) -> None:
    assert mend in renewals.mend(said)


JOURNAL = """\
Failed to renew certificate alexa-ip-cam with error: can't set attribute
All renewals failed. The following certificates could not be renewed:
- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -
  /etc/letsencrypt/live/alexa-ip-cam/fullchain.pem (failure)
1 renew failure(s), 0 parse failure(s)
1 renew failure(s), 0 parse failure(s)
Ask for help or search for solutions at https://community.letsencrypt.org.
"""


def test_certbots_words_are_told_without_its_noise() -> None:
    said = renewals.words(JOURNAL, f"DEBUG\n{REFUSED_NONCE}\nTraceback\n")
    assert said == (
        "/etc/letsencrypt/live/alexa-ip-cam/fullchain.pem (failure) / 1 renew failure(s), 0 parse failure(s)"
        " / urn:ietf:params:acme:error:badNonce :: The client sent a bad anti-replay nonce"
    )
    assert len(renewals.words("x" * 5000, "")) <= 600
    assert renewals.words("", "") == ""


CHALLENGES = """\
2027-02-10 10:00:00,000:DEBUG:certbot._internal.display.obj:Notifying user:
Certbot failed to authenticate some domains. The Certificate Authority reported these problems:
  Domain: cams.example.com
  Type:   unauthorized
  Detail: Incorrect TXT record "x" found at _acme-challenge.cams.example.com

  Domain: clips.example.com
  Type:   dns
  Detail: DNS problem: SERVFAIL looking up TXT for _acme-challenge.clips.example.com

Hint: The Certificate Authority failed to verify the DNS TXT records created by --dns-rfc2136.
"""


def test_of_challenges_that_fail_each_is_told() -> None:
    assert renewals.words("Some challenges have failed.\n", CHALLENGES) == (
        "Some challenges have failed."
        ' / cams.example.com: unauthorized: Incorrect TXT record "x" found at _acme-challenge.cams.example.com'
        " / clips.example.com: dns: DNS problem: SERVFAIL looking up TXT for _acme-challenge.clips.example.com"
    )


def test_the_third_failure_in_a_row_is_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    alarm = tmp_path / "alarm"
    alarm.write_text(f'#!/bin/sh\necho "$* $(cat)" >> {told}\n')
    alarm.chmod(0o755)
    log = tmp_path / "letsencrypt.log"
    log.write_text(
        "DEBUG:certbot._internal.main:certbot version: 2.1.0\n"
        "acme.messages.Error: urn:ietf:params:acme:error:unauthorized :: of the run before\n"
        "DEBUG:certbot._internal.main:certbot version: 2.1.0\n"
        "acme.messages.Error: urn:ietf:params:acme:error:rateLimited :: slow down\n"
    )
    monkeypatch.setattr(program, "ALARM", alarm)
    monkeypatch.setattr(program, "CERTBOT_LOG", log)
    monkeypatch.delenv("MONITOR_INVOCATION_ID", raising=False)
    settings = tmp_path / "proof.json"
    values = {"address": "x", "port": 1, "names": [], "roots": "/", "lineage": "/", "state": str(tmp_path)}
    settings.write_text(json.dumps(values))

    def ended(how: str) -> str:
        assert program.main(["--settings", str(settings), "renewal", how]) == 0
        return told.read_text().splitlines()[-1]

    assert [ended("failed") for _ in range(2)] == ["clear renewal "] * 2
    third = ended("failed")
    assert third.startswith("raise renewal - the certificate could not be renewed, 3 times in a row;")
    assert "asks to wait" in third
    assert third.endswith("urn:ietf:params:acme:error:rateLimited :: slow down")
    assert "4 times in a row" in ended("failed")
    assert ended("ok") == "clear renewal "
    assert ended("failed") == "clear renewal "
