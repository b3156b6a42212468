"""The module, with a certbot that issues from an authority made here."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance import acme_directory, dns_lookup, lineage
from cryptography.hazmat.primitives import serialization

from unit.edge.conftest import Authority

Run = Callable[..., dict[str, Any]]

# Takes the certificate from $ISSUE and notes how it was called; without one it fails.
_CERTBOT = """\
#!/usr/bin/python3
import json, os, pathlib, shutil, sys
called = pathlib.Path(os.environ["CALLED"])
if sys.argv[1] == "register":
    account = pathlib.Path(sys.argv[sys.argv.index("--config-dir") + 1]) / "accounts/acme.example/dir/5a5a"
    account.mkdir(parents=True)
    (account / "regr.json").write_text("{}")
    sys.exit(0)
calls = json.loads(called.read_text()) if called.exists() else []
calls.append([sys.argv[1:], os.environ.get("REQUESTS_CA_BUNDLE")])
called.write_text(json.dumps(calls))
option = lambda name: sys.argv[sys.argv.index(name) + 1]
said = os.environ.get("SAY", "")
if said and (said != "badNonce" or len(calls) < 2):
    with open(option("--logs-dir") + "/letsencrypt.log", "a") as log:
        log.write(f"acme.messages.Error: urn:ietf:params:acme:error:{said} :: of certbot\\n")
        log.write("Traceback\\nAttributeError: can't set attribute\\n")
    sys.exit("An unexpected error occurred: AttributeError: can't set attribute")
config, name = pathlib.Path(option("--config-dir")), option("--cert-name")
for part in ("archive", "live"):
    (config / part / name).mkdir(parents=True)
for kind in ("cert", "chain", "fullchain", "privkey"):
    shutil.copy(f"{os.environ['ISSUE']}/{kind}.pem", config / "archive" / name / f"{kind}1.pem")
    (config / "live" / name / f"{kind}.pem").symlink_to(f"../../archive/{name}/{kind}1.pem")
(config / "renewal").mkdir()
(config / "renewal" / f"{name}.conf").write_text(
    f"archive_dir = {config}/archive/{name}\\n[renewalparams]\\n"
    f"config_dir = {config}\\nwork_dir = {config}/work\\nlogs_dir = /x\\n"
    f"server = {option('--server')}\\nauthenticator = {option('--authenticator')}\\nkey_type = ecdsa\\n"
    f"preferred_chain = {option('--preferred-chain')}\\n"
    + (f"required_profile = {option('--required-profile')}\\n" if "--required-profile" in sys.argv else "") +
    f"dns_rfc2136_propagation_seconds = {option('--dns-rfc2136-propagation-seconds')}\\n")
"""


class Bench:
    """A config directory, a certbot, and the module's arguments."""

    def __init__(self, directory: Path, run_module: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        self.config = directory / "letsencrypt"
        self.config.mkdir()
        self.logs = directory / "logs"
        self.logs.mkdir()
        (self.logs / "letsencrypt.log").write_text("acme.messages.Error: urn:ietf:params:acme:error:badNonce :: old\n")
        self.called = directory / "called.json"
        self.authority = authority
        self.issue_dir = directory / "issue"
        self._run, self._set = run_module, monkeypatch.setenv
        programs = directory / "bin"
        programs.mkdir()
        (programs / "certbot").write_text(_CERTBOT)
        (programs / "certbot").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        monkeypatch.setenv("CALLED", str(self.called))
        monkeypatch.setenv("ISSUE", str(self.issue_dir))
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        self.profiles = ["classic", "tlsserver"]
        monkeypatch.setattr(acme_directory, "profiles", lambda *_: self.profiles)
        self.cnames: dict[str, str] = {}
        monkeypatch.setattr(dns_lookup, "ask", lambda name, _: dns_lookup.Answer(0, self.cnames.get(name, ""), ""))
        self.offer()

    def offer(self, authority: Authority | None = None, **how: Any) -> None:
        shutil.rmtree(self.issue_dir, ignore_errors=True)
        (authority or self.authority).issue(self.issue_dir, **how)

    def say(self, text: str) -> None:
        self._set("SAY", text)

    def __call__(self, *, check: bool = False, **changed: Any) -> dict[str, Any]:
        arguments = {
            "config_dir": str(self.config),
            "takeover_dir": "",
            "logs_dir": str(self.logs),
            "state_dir": str(self.config.parent / "state"),
            "name": "alexa-ip-cam",
            "names": ["cams.example.com", "clips.example.com"],
            "email": "owner@example.com",
            "server": "https://acme.example/dir",
            "key_type": "ecdsa",
            "preferred_chain": "ISRG Root X1",
            "dns_plugin": "rfc2136",
            "dns_propagation_seconds": 1,
            **changed,
        }
        return self._run("certbot_certificate", arguments, check=check)

    @property
    def calls(self) -> list[Any]:
        calls: list[Any] = json.loads(self.called.read_text()) if self.called.exists() else []
        return calls

    @property
    def memory(self) -> dict[str, Any]:
        """What the module remembers."""
        found: dict[str, Any] = json.loads((self.config.parent / "state/alexa-ip-cam-alexa-ip-cam.json").read_text())
        return found

    def state(self) -> dict[str, str]:
        """Every file and link below the config directory, by path."""
        paths = [path for path in sorted(self.config.rglob("*")) if path.is_file() or path.is_symlink()]
        return {
            str(path.relative_to(self.config)): str(path.readlink()) if path.is_symlink() else path.read_text()
            for path in paths
        }


@pytest.fixture
def bench(tmp_path: Path, run_module: Run, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, run_module, authority, monkeypatch)


def test_check_and_do_twice(bench: Bench) -> None:
    assert bench(check=True)["changed"] is True
    assert bench.calls == []
    assert bench.state() == {}
    first = bench()
    assert first["changed"] is True
    assert first["reason"] == "there is no certificate yet"
    assert first["certificate"]["topmost_issuer"] == "ISRG Root X1"
    before = bench.state()
    for check in (True, False):
        again = bench(check=check)
        assert (again["changed"], again["reason"]) == (False, "the certificate is right")
    assert bench.state() == before
    assert len(bench.calls) == 1


def test_files_are_as_certbot_lays_them_out(bench: Bench) -> None:
    bench()
    state = bench.state()
    assert state["live/alexa-ip-cam/privkey.pem"] == "../../archive/alexa-ip-cam/privkey1.pem"
    assert (bench.config / "archive/alexa-ip-cam/privkey1.pem").stat().st_mode & 0o777 == 0o600
    conf = state["renewal/alexa-ip-cam.conf"]
    assert f"archive_dir = {bench.config}/archive/alexa-ip-cam\n" in conf
    assert ".new" not in conf
    assert "_dir = " not in conf.replace("archive_dir", "")
    assert not (bench.config / ".alexa-ip-cam.new").exists()
    assert not (bench.config / ".certbot.lock").exists()


def test_another_name_asks_once_and_keeps_the_old_in_the_archive(bench: Bench) -> None:
    bench()
    names = ["cams.example.com", "clips.example.com", "extra.example.com"]
    bench.offer(names=tuple(names))
    result = bench(names=names)
    assert result["changed"] is True
    assert "not for cams.example.com, clips.example.com, extra.example.com" in result["reason"]
    assert bench.state()["live/alexa-ip-cam/cert.pem"] == "../../archive/alexa-ip-cam/cert2.pem"
    assert "archive/alexa-ip-cam/cert1.pem" in bench.state()
    assert bench(names=names)["changed"] is False
    assert len(bench.calls) == 2


def test_certbot_is_never_told_to_force(bench: Bench) -> None:
    bench(ca_bundle="/etc/ca.pem", dns_credentials="/etc/dns.ini")
    ((argv, bundle),) = bench.calls
    assert not any("force" in argument for argument in argv)
    assert bundle == "/etc/ca.pem"
    assert argv[argv.index("--dns-rfc2136-credentials") + 1] == "/etc/dns.ini"
    assert [argv[at + 1] for at, argument in enumerate(argv) if argument == "--domain"] == [
        "cams.example.com",
        "clips.example.com",
    ]


def test_a_profile_is_required_and_taken_back(bench: Bench) -> None:
    """Never only preferred: certbot would take another in silence."""
    bench()
    result = bench(profile="tlsserver")
    assert result["reason"] == "it would be renewed with required_profile = nothing and not tlsserver"
    argv = bench.calls[-1][0]
    assert argv[argv.index("--required-profile") + 1] == "tlsserver"
    assert bench(profile="tlsserver")["changed"] is False
    assert bench()["reason"] == "it would be renewed with required_profile = tlsserver"
    assert "--required-profile" not in bench.calls[-1][0]
    assert bench()["changed"] is False
    assert len(bench.calls) == 3


def test_a_profile_that_is_not_offered_is_refused_and_nobody_is_asked(bench: Bench) -> None:
    bench()
    before = bench.state()
    said = bench(profile="shortlived")["msg"]
    assert "certbot_profile is 'shortlived', but https://acme.example/dir offers classic, tlsserver" in said
    bench.profiles = []
    assert "offers no profiles" in bench(profile="shortlived")["msg"]
    assert (bench.state(), len(bench.calls)) == (before, 1)


def test_another_chain_is_refused_and_the_old_stays(bench: Bench) -> None:
    bench()
    before = bench.state()
    bench.offer(Authority("Root YR"), names=("cams.example.com",))
    result = bench(names=["cams.example.com"])
    assert result["failed"] is True
    assert "its chain leads to 'Root YR' and not to 'ISRG Root X1'" in result["msg"]
    assert "set certbot_preferred_chain" in result["msg"]
    assert bench.state() == before


def test_a_failure_of_certbot_is_told_and_the_old_stays(bench: Bench) -> None:
    bench()
    before = bench.state()
    bench.say("unauthorized")
    result = bench(names=["cams.example.com"])
    assert result["failed"] is True
    assert "An unexpected error occurred" in result["msg"]
    assert "urn:ietf:params:acme:error:unauthorized :: of certbot" in result["msg"]
    assert bench.state() == before
    assert len(bench.calls) == 2


def test_a_refused_nonce_is_tried_again(bench: Bench) -> None:
    bench.say("badNonce")
    assert bench()["changed"] is True
    assert len(bench.calls) == 2


def test_what_a_killed_run_left_is_no_hindrance(bench: Bench) -> None:
    (bench.config / ".alexa-ip-cam.new/live/alexa-ip-cam").mkdir(parents=True)
    assert bench()["changed"] is True
    assert not (bench.config / ".alexa-ip-cam.new").exists()


def test_hooks_are_told_which_certificate_is_new(bench: Bench, tmp_path: Path) -> None:
    hooks = bench.config / "renewal-hooks/deploy"
    hooks.mkdir(parents=True)
    (hooks / "note").write_text(f'#!/bin/sh\necho "$RENEWED_LINEAGE $RENEWED_DOMAINS" > {tmp_path}/told\n')
    (hooks / "note").chmod(0o755)
    (hooks / "not-executable").write_text("#!/bin/sh\nexit 1\n")
    bench()
    told = (tmp_path / "told").read_text()
    assert told == f"{bench.config}/live/alexa-ip-cam cams.example.com clips.example.com\n"


def test_a_hook_that_fails_is_told(bench: Bench) -> None:
    hooks = bench.config / "renewal-hooks/deploy"
    hooks.mkdir(parents=True)
    (hooks / "stunnel").write_text("#!/bin/sh\necho it is still the old one >&2\nexit 1\n")
    (hooks / "stunnel").chmod(0o755)
    result = bench()
    assert result["failed"] is True
    assert "it is still the old one" in result["msg"]


def test_the_lock_of_a_running_certbot_is_respected(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "_LOCK_SECONDS", 0.2)
    holder = (
        "import fcntl, sys; lock = open(sys.argv[1], 'w'); fcntl.lockf(lock, fcntl.LOCK_EX); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(bench.config / ".certbot.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        result = bench()
        process.communicate("\n")
    assert result["failed"] is True
    assert "another certbot has held" in result["msg"]
    assert not (bench.config / "live/alexa-ip-cam").exists()


# Tries that failed


def test_a_failed_try_is_not_repeated_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.say("unauthorized")
    assert "certbot got no certificate" in bench()["msg"]
    again = bench()
    assert again["failed"] is True
    assert "the next one may not be made before" in again["msg"]
    assert "The last try: An unexpected error occurred" in again["msg"]
    assert len(bench.calls) == 1
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 61)
    bench.say("")
    assert bench()["changed"] is True
    assert bench.memory["tries"] == []


def test_another_setting_may_be_tried_at_once_but_not_a_fifth_time_in_an_hour(bench: Bench) -> None:
    bench.say("unauthorized")
    for seconds in range(2, 6):
        assert "certbot got no certificate" in bench(dns_propagation_seconds=seconds)["msg"]
    assert "may not be made before" in bench(dns_propagation_seconds=7)["msg"]
    assert len(bench.calls) == 4


def test_new_credentials_are_another_setting(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "dns.ini").write_text("secret = wrong\n")
    bench.say("unauthorized")
    bench(dns_credentials=str(tmp_path / "dns.ini"))
    (tmp_path / "dns.ini").write_text("secret = right\n")
    bench.say("")
    assert bench(dns_credentials=str(tmp_path / "dns.ini"))["changed"] is True
    assert "wrong" not in json.dumps(bench.memory)


def test_a_refused_chain_waits_for_a_day(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.offer(Authority("Root YR"))
    assert "is refused" in bench()["msg"]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86000)
    assert "may not be made before" in bench()["msg"]
    assert len(bench.calls) == 1


def test_what_is_remembered_is_for_root_alone(bench: Bench) -> None:
    bench()
    (path,) = (bench.config.parent / "state").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


# Before the ACME server is asked


def test_dns_that_is_not_ready_is_told_and_nobody_is_asked(bench: Bench) -> None:
    said = bench(delegations={"cams.example.com": "cams.other.example.net"})["msg"]
    assert "DNS has no record _acme-challenge.cams.example.com CNAME cams.other.example.net: add it" in said
    bench.cnames["_acme-challenge.clips.example.com"] = "left.over.example.net"
    assert "is a CNAME to left.over.example.net" in bench()["msg"]
    assert bench.calls == []
    bench.cnames.clear()
    assert bench()["changed"] is True


def test_a_root_that_is_not_the_preferred_one_is_told_before(bench: Bench, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(Authority("Root YR").root.public_bytes(serialization.Encoding.PEM))
    said = bench(roots_file=str(roots))["msg"]
    assert "certbot_preferred_chain is 'ISRG Root X1', but the root at hand is Root YR" in said
    assert bench.calls == []


def test_hooks_of_the_owner_take_the_plugins_place(bench: Bench) -> None:
    bench.cnames["_acme-challenge.cams.example.com"] = "followed.example.net"
    bench(auth_hook="/etc/hooks/auth && sleep 5", cleanup_hook="/etc/hooks/cleanup", own_hooks=True)
    ((argv, _),) = bench.calls
    assert argv[argv.index("--authenticator") + 1] == "manual"
    assert argv[argv.index("--manual-auth-hook") + 1] == "/etc/hooks/auth && sleep 5"
    assert not any(argument.startswith("--dns-") for argument in argv)


# Made by hand


def by_hand(bench: Bench, name: str, **how: Any) -> Path:
    """A lineage as certbot leaves it, of another name."""
    live = bench.authority.issue(bench.config / "live" / name, **how)
    conf = bench.config / "renewal" / f"{name}.conf"
    conf.parent.mkdir(exist_ok=True)
    settings = ["account = 1111", "authenticator = webroot", "server = https://acme.example/dir", "key_type = ecdsa"]
    conf.write_text("\n".join(["[renewalparams]", *settings, ""]))
    account = bench.config / "accounts/acme.example/dir/1111"
    account.mkdir(parents=True, exist_ok=True)
    (account / "regr.json").write_text("{}")
    return live


def test_one_under_another_name_is_taken_over_without_a_new_order(bench: Bench) -> None:
    live = by_hand(bench, "cams.example.com")
    before = bench.state()
    checked = bench(check=True)
    assert (checked["changed"], bench.state()) == (True, before)
    result = bench()
    assert result["changed"] is True
    assert f"the certificate in {live} is right, and is taken over without a new one" in result["reason"]
    assert bench.calls == []
    after = bench.state()
    assert before.items() <= after.items()
    ours = bench.config / "live/alexa-ip-cam"
    for kind in ("cert", "chain", "fullchain", "privkey"):
        assert (ours / f"{kind}.pem").read_text() == (live / f"{kind}.pem").read_text()
    assert (ours / "privkey.pem").resolve().stat().st_mode & 0o777 == 0o600
    conf = after["renewal/alexa-ip-cam.conf"]
    assert "account = 1111\n" in conf
    assert "authenticator = dns-rfc2136\n" in conf
    assert bench()["changed"] is False


def test_one_in_another_directory_is_taken_over_and_an_account_is_made(bench: Bench, tmp_path: Path) -> None:
    bench.authority.issue(tmp_path / "acme.sh")
    for name in ("cert.pem", "chain.pem"):
        (tmp_path / "acme.sh" / name).unlink()
    assert bench(takeover_dir=str(tmp_path / "acme.sh"))["changed"] is True
    assert bench.calls == []
    live = bench.config / "live/alexa-ip-cam"
    assert (live / "cert.pem").read_text() + (live / "chain.pem").read_text() == (live / "fullchain.pem").read_text()
    assert "account = 5a5a\n" in bench.state()["renewal/alexa-ip-cam.conf"]
    assert bench(takeover_dir=str(tmp_path / "acme.sh"))["changed"] is False


def test_one_of_the_same_name_gets_our_settings_once(bench: Bench) -> None:
    live = by_hand(bench, "alexa-ip-cam")
    certificate = (live / "fullchain.pem").read_text()
    result = bench()
    assert "was made by hand and is right; only its renewal is set" in result["reason"]
    assert (live / "fullchain.pem").read_text() == certificate
    assert bench()["changed"] is False
    assert bench.calls == []
    # From now on it is ours, and another plugin has to prove that it works.
    assert bench(dns_propagation_seconds=7)["changed"] is True
    assert len(bench.calls) == 1


@pytest.mark.parametrize(
    ("how", "server"),
    [
        ({"names": ("cams.example.com",)}, "https://acme.example/dir"),
        ({"age": dt.timedelta(days=80)}, "https://acme.example/dir"),
        ({}, "https://staging.example/dir"),
    ],
)
def test_one_that_does_not_fit_stays_and_a_new_one_is_asked_for(bench: Bench, how: dict[str, Any], server: str) -> None:
    live = by_hand(bench, "cams.example.com", **how)
    conf = bench.config / "renewal/cams.example.com.conf"
    conf.write_text(conf.read_text().replace("https://acme.example/dir", server))
    before = bench.state()
    assert bench()["reason"] == "there is no certificate yet"
    assert len(bench.calls) == 1
    assert before.items() <= bench.state().items()
    assert live.exists()


def test_from_a_server_for_tries_to_the_real_one(bench: Bench) -> None:
    bench.offer(Authority("(STAGING) Pretend Pear X1"))
    bench(server="https://staging.example/dir", preferred_chain="(STAGING) Pretend Pear X1")
    bench.offer()
    result = bench()
    assert result["changed"] is True
    assert "its chain leads to '(STAGING) Pretend Pear X1'" in result["reason"]
    assert result["certificate"]["topmost_issuer"] == "ISRG Root X1"
    assert bench()["changed"] is False


def test_what_the_certificate_is_and_when_it_is_renewed_is_told(bench: Bench) -> None:
    told = bench()["certificate"]
    assert (told["lifetime_days"], told["days_left"], told["should_renew"]) == (90, pytest.approx(89, abs=0.1), False)
    bench.offer(age=dt.timedelta(days=61))
    again = bench(names=["cams.example.com", "clips.example.com"], preferred_chain="ISRG Root X1", key_type="ecdsa")
    assert again["changed"] is False
