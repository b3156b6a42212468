"""The module, with a certbot that issues from an authority made here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance import dns_lookup, lineage

from unit.edge.conftest import Authority

Run = Callable[..., dict[str, Any]]

# Takes the certificate from $ISSUE and notes how it was called; without one it fails.
_CERTBOT = """\
#!/usr/bin/python3
import json, os, pathlib, shutil, sys
called = pathlib.Path(os.environ["CALLED"])
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
