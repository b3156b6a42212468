"""Recordings and snapshots: what a signed URL gets, and that nothing else gets anything."""

from __future__ import annotations

import re

import pytest

from home.inventory import CLIPS_NAME, STREAMS_NAME
from machine.edge.bench import FILM, Edge, signed

pytestmark = pytest.mark.machine


def test_a_signed_url_is_served_whole(edge: Edge) -> None:
    status, headers, body = edge.get(signed("/clips/garage/film.mp4"))
    assert (status, headers["content-type"], body) == (200, "video/mp4", FILM)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["server"] == "Apache"


def test_a_snapshot_has_its_own_key(edge: Edge) -> None:
    status, headers, body = edge.get(signed("/snapshots/garage.jpg", purpose="snapshots"))
    assert (status, headers["content-type"], body) == (200, "image/jpeg", b"\xff\xd8picture")
    assert edge.get(signed("/snapshots/garage.jpg", purpose="clips"))[0] == 403
    assert edge.get(signed("/clips/garage/film.mp4", purpose="snapshots"))[0] == 403


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=100-199", 206, slice(100, 200)),
        ("bytes=-10", 206, slice(-10, None)),
        ("bytes=999999-", 416, None),
    ],
)
def test_ranges(edge: Edge, asked: str, status: int, part: slice | None) -> None:
    got, headers, body = edge.get(signed("/clips/garage/film.mp4"), headers={"Range": asked})
    assert got == status
    if part is not None:
        assert body == FILM[part]
        assert headers["content-range"].endswith(f"/{len(FILM)}")


def test_head_is_served_without_a_body(edge: Edge) -> None:
    status, headers, body = edge.get(signed("/clips/garage/film.mp4"), method="HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(FILM)), b"")


def test_a_signed_file_that_is_gone_is_not_found(edge: Edge) -> None:
    assert edge.get(signed("/clips/garage/gone.mp4"))[0] == 404


def altered(target: str) -> str:
    return target[:-1] + ("0" if target[-1] != "0" else "1")


FILM_URI = "/clips/garage/film.mp4"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(lambda: FILM_URI, id="unsigned"),
        pytest.param(lambda: signed(FILM_URI, minutes=-1), id="expired"),
        pytest.param(lambda: altered(signed(FILM_URI)), id="altered signature"),
        pytest.param(lambda: signed(FILM_URI).replace("?e=2", "?e=3"), id="altered expiry"),
        pytest.param(lambda: signed(FILM_URI).replace("film", "other"), id="another file"),
        pytest.param(lambda: signed(FILM_URI) + "&x=1", id="more behind it"),
        pytest.param(lambda: signed(FILM_URI).replace("&s=", "&S="), id="another name"),
        pytest.param(lambda: "/clips/garage/gone.mp4", id="unsigned and gone"),
        pytest.param(lambda: signed("/clips/garage/"), id="listing"),
        pytest.param(lambda: signed("/clips/garage"), id="directory"),
        pytest.param(lambda: signed("/clips/garage/notes.txt"), id="another kind of file"),
        pytest.param(lambda: signed("/clips/link.mp4"), id="link out of the directory"),
        pytest.param(lambda: signed("/clips/../secret.mp4"), id="traversal, signed as it stands"),
        pytest.param(lambda: signed("/clips/%2e%2e/secret.mp4", over="/clips/../secret.mp4"), id="traversal, encoded"),
        pytest.param(lambda: signed("/clips/x/../garage/film.mp4"), id="not the normal form"),
        pytest.param(lambda: signed("/clips/garage/film.mp4/more"), id="path behind the file"),
    ],
)
def test_everything_else_is_refused(edge: Edge, target: object) -> None:
    assert callable(target)
    status, _, body = edge.get(target())
    assert status in {403, 404}
    assert FILM not in body
    assert b"not to be seen" not in body
    if "secret" not in target() and "/more" not in target():
        assert status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(edge: Edge, method: str) -> None:
    assert edge.get(signed(FILM_URI), method=method)[0] == 403


def test_trace_is_off(edge: Edge) -> None:
    assert edge.get(signed(FILM_URI), method="TRACE")[0] == 405


@pytest.mark.parametrize("host", ["localhost", "nobody.invalid", STREAMS_NAME, "127.0.0.1"])
def test_another_host_is_denied(edge: Edge, host: str) -> None:
    assert edge.get(signed(FILM_URI), host=host)[0] == 403


def test_the_log_has_the_client_and_no_signature(edge: Edge) -> None:
    edge.get(signed(FILM_URI), headers={"Referer": f"https://{CLIPS_NAME}/?e=1&s=deadbeef", "User-Agent": "first"})
    edge.get(altered(signed(FILM_URI)), headers={"Referer": "https://x/?s=deadbeef", "User-Agent": "second"})
    log = edge.appliance.run(["sh", "-c", "cat /var/log/apache2/*.log"]).stdout
    client = edge.world.net.host_address
    assert re.search(rf'^{re.escape(client)} \[.*"GET {FILM_URI} HTTP/1.1" 200 \d+ "first"$', log, re.MULTILINE)
    assert re.search(rf'^{re.escape(client)} \[.*"GET {FILM_URI} HTTP/1.1" 403 \d+ "second"$', log, re.MULTILINE)
    assert not re.search(r"[?&][es]=|deadbeef", log)


def test_apache_has_no_more_modules_than_it_needs(edge: Edge) -> None:
    listed = edge.appliance.run(["apache2ctl", "-M"]).stdout
    shared = set(re.findall(r"(\w+)_module \(shared\)", listed))
    assert shared == {"alias", "authz_core", "headers", "mpm_event", "remoteip", "reqtimeout"}
    sites = edge.appliance.run(["ls", "/etc/apache2/sites-enabled", "/etc/apache2/conf-enabled"]).stdout
    assert set(re.findall(r"\S+\.conf", sites)) == {"alexa-ip-cam.conf"}


def test_whoever_comes_past_stunnel_gets_nothing(edge: Edge) -> None:
    """Without the PROXY protocol's line Apache does not answer."""
    script = "import socket\ns = socket.create_connection(('127.0.0.1', 8080), 5)\n"
    script += f"s.sendall(b'GET / HTTP/1.1\\r\\nHost: {CLIPS_NAME}\\r\\n\\r\\n')\nprint(s.recv(99))"
    got = edge.appliance.run(["python3", "-c", script]).stdout
    assert got == "b''\n"
