"""The hook that has a plugin write where a CNAME leads."""

from __future__ import annotations

import importlib.util
import json
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from unit.edge.conftest import ROOT


class Plugin:
    """One of certbot's DNS plugins, as much of it as plugins provide for themselves."""

    calls: list[tuple[Any, ...]] = []  # noqa: RUF012 - of the class, so that a test sees them

    def __init__(self, config: Any, name: str) -> None:
        self.config, self.name = config, name

    def _setup_credentials(self) -> None:
        self.calls.append(("credentials", self.config.dns_rfc2136_credentials, self.config.unknown_option))

    def _perform(self, domain: str, name: str, validation: str) -> None:
        self.calls.append(("perform", domain, name, validation))

    def _cleanup(self, domain: str, name: str, validation: str) -> None:
        self.calls.append(("cleanup", domain, name, validation))


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dns_delegated", ROOT / "roles/certbot/files/dns_delegated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = {
        "plugin": "rfc2136",
        "credentials": "/etc/letsencrypt/dns-rfc2136.ini",
        "propagation_seconds": 7,
        "delegations": {"cams.example.com": "cams.acme.example.net"},
    }
    (tmp_path / "delegated.json").write_text(json.dumps(settings))
    monkeypatch.setattr(module, "SETTINGS", tmp_path / "delegated.json")
    point = SimpleNamespace(name="dns-rfc2136", load=lambda: Plugin)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == "certbot.plugins" else [])
    monkeypatch.setattr(Plugin, "calls", [])
    # Not the whole program's sleep: threads of others may be at work.
    time = SimpleNamespace(sleep=lambda seconds: Plugin.calls.append(("sleep", seconds)))
    monkeypatch.setattr(module, "time", time)
    return module


def asked(monkeypatch: pytest.MonkeyPatch, domain: str, remaining: int) -> None:
    monkeypatch.setenv("CERTBOT_DOMAIN", domain)
    monkeypatch.setenv("CERTBOT_VALIDATION", "token")
    monkeypatch.setenv("CERTBOT_REMAINING_CHALLENGES", str(remaining))


def test_it_writes_where_the_cname_leads_and_waits_after_the_last(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(monkeypatch, "Cams.example.com", 1)
    hook.main("auth")
    asked(monkeypatch, "clips.example.com", 0)
    hook.main("auth")
    hook.main("cleanup")
    written = [call for call in Plugin.calls if call[0] != "credentials"]
    target, own = "cams.acme.example.net", "_acme-challenge.clips.example.com"
    assert written == [
        ("perform", target, target, "token"),
        ("perform", own, own, "token"),
        ("sleep", 7),
        ("cleanup", own, own, "token"),
    ]
    assert Plugin.calls[0] == ("credentials", "/etc/letsencrypt/dns-rfc2136.ini", None)


def test_a_plugin_that_is_not_installed_is_told(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda group: [])  # noqa: ARG005 - as it is called
    asked(monkeypatch, "cams.example.com", 0)
    with pytest.raises(LookupError, match="dns-rfc2136 is not installed"):
        hook.main("auth")
