"""The program that gives stunnel its certificate, with a stunnel that can be told to ignore a reload."""

from __future__ import annotations

import datetime as dt
import importlib.util
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from unit.edge.conftest import ROOT, Authority, Render


def load_program() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "stunnel_certificate", ROOT / "roles/stunnel/files/stunnel_certificate.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


program = load_program()


class Stunnel:
    """Serves what `target` held at its last reload, from a fresh socket each time, as stunnel does.

    `ignores` is how many reloads it pays no heed to.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.ignores = 0
        self.reloads = 0
        self.running = False
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.door = program.Door("127.0.0.1", self.port, "cams.example.com")
        self._socket: socket.socket | None = None

    def systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        code = 0
        if "is-active" in arguments:
            code = 0 if self.running else 3
        elif arguments[0] == "reload":
            self.reloads += 1
            if self.ignores:
                self.ignores -= 1
            else:
                self.start()
        return subprocess.CompletedProcess(arguments, code, "", "")

    def start(self) -> None:
        self.stop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.target / "fullchain.pem", self.target / "privkey.pem")
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.running = True
        threading.Thread(target=self._serve, args=(self._socket, context), daemon=True).start()

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    @staticmethod
    def _serve(listener: socket.socket, context: ssl.SSLContext) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    continue


@pytest.fixture
def stunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stunnel]:
    stunnel = Stunnel(tmp_path / "served")
    monkeypatch.setattr(program, "systemctl", stunnel.systemctl)
    monkeypatch.setattr(program, "SECONDS", 0.3)
    yield stunnel
    stunnel.stop()


@pytest.fixture
def settings(tmp_path: Path, stunnel: Stunnel, authority: Authority) -> Any:
    (tmp_path / "served.d").mkdir()
    authority.issue(tmp_path / "live")
    config = tmp_path / "stunnel.conf"
    config.write_text(f"[nobody]\naccept = 127.0.0.1:{stunnel.port}\n[streams]\nsni = nobody:cams.example.com\n")
    return program.Settings(
        source=tmp_path / "live",
        target=stunnel.target,
        config=config,
        user="nobody",
        unit="stunnel@x.service",
    )


def leaf(directory: Path) -> bytes:
    der: bytes = program.leaf((directory / "fullchain.pem").read_text())
    return der


def test_at_first_it_copies_and_starts_nothing(settings: Any, stunnel: Stunnel) -> None:
    assert program.deploy(settings) is True
    assert stunnel.reloads == 0
    assert program.same(settings.source, settings.target)
    assert (settings.target / "privkey.pem").stat().st_mode & 0o777 == 0o640
    assert program.deploy(settings) is False


def test_a_new_certificate_is_served_and_the_old_one_removed(
    settings: Any, stunnel: Stunnel, authority: Authority
) -> None:
    program.deploy(settings)
    stunnel.start()
    authority.issue(settings.source)
    assert program.deploy(settings) is True
    assert stunnel.reloads == 1
    assert program.served(stunnel.door) == leaf(settings.source)
    assert [path.resolve() for path in settings.generations.iterdir()] == [settings.target.resolve()]
    assert program.deploy(settings) is False
    assert stunnel.reloads == 1


def test_a_reload_that_was_ignored_is_repeated_once(settings: Any, stunnel: Stunnel, authority: Authority) -> None:
    program.deploy(settings)
    stunnel.start()
    authority.issue(settings.source)
    stunnel.ignores = 1
    assert program.deploy(settings) is True
    assert stunnel.reloads == 2


def test_a_certificate_that_is_not_taken_gives_way_to_the_one_before(
    settings: Any, stunnel: Stunnel, authority: Authority
) -> None:
    program.deploy(settings)
    stunnel.start()
    before = leaf(settings.target)
    authority.issue(settings.source)
    stunnel.ignores = 2
    with pytest.raises(
        program.Failure, match=r"kept its old configuration.*; the certificate before is back .* is served"
    ):
        program.deploy(settings)
    assert leaf(settings.target) == before
    assert program.served(stunnel.door) == before


def test_a_served_certificate_that_differs_from_the_disk_is_mended(
    settings: Any, stunnel: Stunnel, authority: Authority
) -> None:
    """As after a hook that failed: the files are equal, what is served is not."""
    program.deploy(settings)
    stunnel.start()
    authority.issue(settings.source)
    program.put(settings)
    assert program.deploy(settings) is True
    assert program.served(stunnel.door) == leaf(settings.source)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("fullchain.pem", "junk", "is of no use"),
        ("privkey.pem", "junk", "is of no use"),
        ("privkey.pem", None, "run the role certbot first"),
    ],
)
def test_a_bad_certificate_changes_nothing(
    settings: Any, stunnel: Stunnel, name: str, content: str | None, said: str
) -> None:
    program.deploy(settings)
    stunnel.start()
    before = leaf(settings.target)
    if content is None:
        (settings.source / name).unlink()
    else:
        (settings.source / name).write_text(content)
    with pytest.raises(program.Failure, match=said):
        program.deploy(settings)
    assert stunnel.reloads == 0
    assert leaf(settings.target) == before


def test_chain_and_key_must_fit(settings: Any, authority: Authority, tmp_path: Path) -> None:
    other = authority.issue(tmp_path / "other")
    (settings.source / "privkey.pem").write_bytes((other / "privkey.pem").read_bytes())
    with pytest.raises(program.Failure, match="is of no use"):
        program.deploy(settings)


def test_the_hook_minds_its_own_certificate_only(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = tmp_path / "settings.ini"
    lines = [f"{key} = {getattr(settings, key) or ''}" for key in settings.__dataclass_fields__]
    ini.write_text("\n".join(["[stunnel]", *lines, ""]))
    monkeypatch.setattr(program, "SETTINGS", ini)
    monkeypatch.setenv("RENEWED_LINEAGE", "/etc/letsencrypt/live/another")
    assert program.main([]) == 0
    assert not settings.target.exists()
    monkeypatch.setenv("RENEWED_LINEAGE", str(settings.source))
    assert program.main([]) == 0
    assert settings.target.exists()
    assert program.main(["deploy"]) == 0
    assert capsys.readouterr().out == "unchanged\n"
    (settings.source / "fullchain.pem").write_text("junk")
    assert program.main(["deploy"]) == 1
    assert "is of no use" in capsys.readouterr().err
    assert program.main(["nonsense"]) == 2


def test_the_role_s_configuration_says_where_to_ask(render: Render) -> None:
    for listen, address, port in (("0.0.0.0:443", "127.0.0.1", 443), ("192.168.1.9:8443", "192.168.1.9", 8443)):
        lines = render("stunnel", "etc/stunnel/alexa-ip-cam.conf", stunnel_listen=listen)
        assert program.Door.of("\n".join(lines)) == program.Door(address, port, "cams.example.com")
    with pytest.raises(program.Failure, match="run the role stunnel again"):
        program.Door.of("nonsense\n")


def test_listening_sockets_are_read_from_the_kernels_table(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = "   {}: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000   105        0 {} 1 0 100 0 0 10 0\n"
    table = tmp_path / "tcp"
    table.write_text(
        head
        + row.format(0, "00000000:01BB", "0A", 111)
        + row.format(1, "0100007F:01BB", "01", 222)  # a connection
        + row.format(2, "0100007F:1F90", "0A", 333)  # another port
    )
    assert program.listeners(443, (table, tmp_path / "missing")) == {"111"}


def test_another_program_on_the_port_is_named(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(program.Failure, match=rf"port {port} is taken by \S+ \(process \d+\): stop it"):
            program.require_port(settings, port)
    program.require_port(settings, port)


# What an Echo would refuse


def trusting(settings: Any, authority: Authority, directory: Path) -> Any:
    """The settings with the root of an authority, and no other, in the store."""
    roots = directory / "roots.pem"
    roots.write_bytes(authority.root.public_bytes(serialization.Encoding.PEM))
    return replace(settings, roots=roots)


def test_a_chain_is_judged_as_a_device_would(settings: Any, authority: Authority, tmp_path: Path) -> None:
    other = Authority("Root YR")
    for issuer, roots, refused in ((authority, authority, False), (other, authority, True), (authority, other, True)):
        issuer.issue(settings.source)
        why = program.refusal(settings.source, trusting(settings, roots, tmp_path).roots)
        assert (why is not None) == refused
        assert why is None or "unable to get" in why


def test_a_renewed_chain_that_is_refused_is_not_taken_while_the_old_is_good(
    settings: Any, authority: Authority, tmp_path: Path
) -> None:
    authority.issue(settings.source)
    trusted = trusting(settings, authority, tmp_path)
    assert program.deploy(trusted)
    good = (settings.target / "fullchain.pem").read_text()
    Authority("Root YR").issue(settings.source)
    with pytest.raises(program.Failure, match=r"an Echo would refuse the new certificate .* stays in use"):
        program.deploy(trusted)
    assert (settings.target / "fullchain.pem").read_text() == good
    authority.issue(settings.source)
    assert program.deploy(trusted)


def test_it_is_taken_when_the_old_is_no_better(settings: Any, authority: Authority, tmp_path: Path) -> None:
    authority.issue(settings.source, age=dt.timedelta(days=91))
    trusted = trusting(settings, authority, tmp_path)
    assert program.deploy(trusted)
    Authority("Root YR").issue(settings.source)
    assert program.deploy(trusted)


def test_roots_that_are_missing_are_told(settings: Any, authority: Authority, tmp_path: Path) -> None:
    authority.issue(settings.source)
    with pytest.raises(program.Failure, match="cannot be checked with the roots in"):
        program.deploy(replace(settings, roots=tmp_path / "none"))
