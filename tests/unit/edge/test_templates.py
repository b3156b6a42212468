"""What the roles write, line by line."""

from __future__ import annotations

import json
import re

import pytest

from unit.edge.conftest import Render

UNITS = {
    "apache": "etc/systemd/system/apache2.service.d/alexa-ip-cam.conf",
    "certbot": "etc/systemd/system/certbot.service.d/alexa-ip-cam.conf",
    "haproxy": "etc/systemd/system/haproxy.service.d/alexa-ip-cam.conf",
    "stunnel": "etc/systemd/system/stunnel@alexa-ip-cam.service.d/alexa-ip-cam.conf",
}
APACHE_SITE = "etc/apache2/sites-available/alexa-ip-cam.conf"
STUNNEL = "etc/stunnel/alexa-ip-cam.conf"
HAPROXY = "etc/haproxy/haproxy.cfg"
PAGE_UNIT = "etc/systemd/system/alexa-ip-cam-page.service"


def section(lines: list[str], name: str) -> list[str]:
    """The lines of one of stunnel's services."""
    rest = lines[lines.index(f"[{name}]") + 1 :]
    return rest[: next((at for at, line in enumerate(rest) if line.startswith("[")), len(rest))]


@pytest.mark.parametrize("role", UNITS)
def test_units_are_confined(render: Render, role: str) -> None:
    lines = render(role, UNITS[role])
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "SystemCallFilter=~@privileged @resources"} <= set(lines)


@pytest.mark.parametrize("sees", [True, False])
def test_the_page_is_in_no_group_that_is_not_there(render: Render, *, sees: bool) -> None:
    """systemd starts no unit of a group that it does not find."""
    lines = render("page", PAGE_UNIT, __page_sees_alarms=sees)
    assert ("SupplementaryGroups=alexa-alarm" in lines) is sees
    assert any(line.startswith("SupplementaryGroups") for line in lines) is sees


def test_stunnel_leads_each_name_to_its_place(render: Render) -> None:
    lines = render("stunnel", STUNNEL)
    assert "accept = 0.0.0.0:443" in section(lines, "nobody")
    assert "connect = 127.0.0.1:0" in section(lines, "nobody")
    assert {"sni = nobody:cams.example.com", "connect = 127.0.0.1:8554"} <= set(section(lines, "streams"))
    assert {"sni = nobody:clips.example.com", "connect = 127.0.0.1:8080", "protocol = proxy"} <= set(
        section(lines, "clips")
    )


def test_stunnel_may_lead_a_second_name_to_the_streams(render: Render) -> None:
    assert "[remote]" not in render("stunnel", STUNNEL)
    lines = render("stunnel", STUNNEL, stunnel_remote_name="away.example.com")
    assert {"sni = nobody:away.example.com", "connect = 127.0.0.1:8554"} <= set(section(lines, "remote"))
    assert "protocol = proxy" not in section(lines, "remote")
    assert "protocol = proxy" in section(lines, "clips")


def test_only_the_first_service_of_stunnel_listens_and_only_the_last_speaks_proxy(render: Render) -> None:
    lines = render("stunnel", STUNNEL)
    assert [line for line in lines if line.startswith("accept")] == ["accept = 0.0.0.0:443"]
    assert lines.count("protocol = proxy") == 1


def test_stunnel_can_reload(render: Render) -> None:
    """With setuid, stunnel cannot open port 443 again."""
    assert [line for line in render("stunnel", STUNNEL) if line.startswith(("setuid", "setgid", "chroot"))] == []
    unit = render("stunnel", UNITS["stunnel"])
    assert {"User=stunnel4", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "ExecReload=/bin/kill -HUP $MAINPID"} <= set(
        unit
    )


def test_stunnel_takes_modern_tls_only(render: Render) -> None:
    lines = render("stunnel", STUNNEL)
    assert {"sslVersionMin = TLSv1.2", "ciphers = ECDHE+AESGCM:ECDHE+CHACHA20", "renegotiation = no"} <= set(lines)


def test_stunnel_bounds_what_waits_for_a_slow_viewer(render: Render) -> None:
    lines = render("stunnel", STUNNEL, stunnel_send_buffer_bytes=32768)
    assert {"socket = l:SO_SNDBUF=32768", "socket = r:SO_RCVBUF=32768"} <= set(lines)


@pytest.mark.parametrize(("connections", "files"), [(1, 256), (500, 1025), (1000, 2049)])
def test_stunnel_may_open_files_for_its_connections(render: Render, connections: int, files: int) -> None:
    """It takes files * 125 / 256 connections."""
    lines = render("stunnel", UNITS["stunnel"], stunnel_max_connections=connections)
    assert f"LimitNOFILE={files}" in lines
    assert files * 125 // 256 >= connections


def test_the_hook_knows_where_the_certificate_comes_from(render: Render) -> None:
    lines = render("stunnel", "etc/stunnel/alexa-ip-cam.ini", stunnel_certificate_dir="/srv/certificate")
    assert {"source = /srv/certificate", "target = /etc/stunnel/alexa-ip-cam"} <= set(lines)


def test_apache_listens_on_loopback_only(render: Render) -> None:
    lines = render("apache", "etc/apache2/ports.conf")
    assert [line for line in lines if line.startswith("Listen")] == ["Listen 127.0.0.1:8080"]


def test_apache_denies_before_it_allows(render: Render) -> None:
    lines = render("apache", APACHE_SITE)
    first, second = (at for at, line in enumerate(lines) if line == "<VirtualHost 127.0.0.1:8080>")
    assert "Require all denied" in lines[first:second]
    assert not any(line.startswith(("Alias", "Require expr")) for line in lines[first:second])
    assert "ServerName clips.example.com" in lines[second:]
    assert not any(line == "Require all granted" for line in lines)


@pytest.mark.parametrize(("area", "kind"), [("CLIPS", "video/mp4"), ("SNAPSHOTS", "image/jpeg")])
def test_apache_checks_each_area_with_its_own_keys(render: Render, area: str, kind: str) -> None:
    lines = render("apache", APACHE_SITE, apache_signing_keys=["a" * 40], apache_snapshot_keys=["b" * 40])
    rest = lines[lines.index(f"ForceType {kind}") :]
    rule = next(line for line in rest if line.startswith("Require expr"))
    key = f"'${{ALEXA_IP_CAM_{area}_KEY_1}}'"
    assert f"$2 == sha1({key} . sha1({key} . %{{REQUEST_URI}} . $1))" in rule
    assert "$1 -gt %{TIME}" in rule


def test_apache_accepts_the_key_before_while_there_is_one(render: Render) -> None:
    one = render("apache", APACHE_SITE)
    two = render("apache", APACHE_SITE, appliance_signing_key_previous="6b" * 32)
    assert [sum(line.startswith("Require expr") for line in lines) for lines in (one, two)] == [2, 4]


def test_apache_keeps_the_keys_out_of_the_file_that_all_can_read(render: Render) -> None:
    keys = ["0123456789" * 4, "9876543210" * 4]
    site = render("apache", APACHE_SITE, apache_signing_keys=keys)
    assert not any(key in line for key in keys for line in site)
    written = render("apache", "etc/apache2/alexa-ip-cam-keys.conf", apache_signing_keys=keys)
    assert f"Define ALEXA_IP_CAM_CLIPS_KEY_2 {keys[1]}" in written


def test_apache_has_the_time_of_the_signatures(render: Render) -> None:
    assert "Environment=TZ=UTC" in render("apache", UNITS["apache"])


def test_apache_logs_no_signature(render: Render) -> None:
    formats = [line for line in render("apache", "etc/apache2/conf-available/alexa-ip-cam.conf") if "LogFormat" in line]
    assert len(formats) == 2
    assert not any(re.search(r"%r|%q|[Rr]eferer", line) for line in formats)


def test_haproxy_leads_each_camera_to_its_port(render: Render) -> None:
    lines = render("haproxy", HAPROXY)
    assert lines[lines.index("backend camera-garage") + 1] == "server live555 127.0.0.1:20123"
    assert "tcp-request content accept if { var(sess.camera) -m str front-porch garage }" in lines
    assert "bind 127.0.0.1:8554" in lines


def test_haproxy_without_cameras_refuses_all(render: Render) -> None:
    lines = render("haproxy", HAPROXY, haproxy_cameras=[])
    rules = [line for line in lines if line.startswith("tcp-request content")]
    assert rules[-1] == "tcp-request content reject"
    assert not any("accept" in rule for rule in rules)


def test_certbot_writes_credentials_under_the_names_of_the_plugin(render: Render) -> None:
    credentials = {"dns_rfc2136_server": "192.0.2.1", "dns_rfc2136_secret": "c2VjcmV0=="}
    lines = render("certbot", "etc/letsencrypt/dns.ini", certbot_dns_credentials=credentials)
    assert {"dns_rfc2136_server = 192.0.2.1", "dns_rfc2136_secret = c2VjcmV0=="} <= set(lines)


def test_renewal_trusts_the_private_authority_only_when_there_is_one(render: Render) -> None:
    variable = "Environment=REQUESTS_CA_BUNDLE=/etc/letsencrypt/alexa-ip-cam-acme-ca.pem"
    assert variable in render("certbot", UNITS["certbot"], certbot_ca_bundle="ca.pem")
    assert not any("REQUESTS_CA_BUNDLE" in line for line in render("certbot", UNITS["certbot"]))


# Alarms, proof, renewal

UNIT_DIR = "etc/systemd/system"


@pytest.mark.parametrize(
    ("role", "unit"),
    [
        ("alarm", "alexa-ip-cam-alarm.service"),
        ("alarm", "alexa-ip-cam-alarm-mail.service"),
        ("alarm", "alexa-ip-cam-alarm-cameras.service"),
        ("proof", "alexa-ip-cam-proof.service"),
        ("proof", "alexa-ip-cam-renewal@.service"),
    ],
)
def test_units_of_ours_are_confined(render: Render, role: str, unit: str) -> None:
    lines = render(role, f"{UNIT_DIR}/{unit}", ansible_facts={"getent_group": {}})
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "SystemCallFilter=~@privileged @resources"} <= set(lines)


def test_the_sender_has_the_network_and_the_webhook_only_when_there_is_one(render: Render) -> None:
    unit = f"{UNIT_DIR}/alexa-ip-cam-alarm.service"
    without = render("alarm", unit)
    assert "PrivateNetwork=yes" in without
    assert not any("LoadCredential" in line or "webhook" in line for line in without)
    told = render("alarm", unit, appliance_notify={"webhook": "https://ntfy.example/topic", "mail": "o@example.com"})
    assert "LoadCredential=webhook:/etc/alexa-ip-cam/alarm-webhook.json" in told
    assert "ExecStart=/usr/local/sbin/alexa-ip-cam-alarm send journal webhook" in told
    assert "Wants=alexa-ip-cam-alarm-mail.service" in told
    assert not any("ntfy.example" in line for line in told)


def test_the_mail_program_gets_the_groups_that_there_are(render: Render) -> None:
    unit = f"{UNIT_DIR}/alexa-ip-cam-alarm-mail.service"
    for groups, wanted in ((["postdrop", "users"], "alexa-alarm postdrop"), (["users"], "alexa-alarm")):
        facts = {"getent_group": {group: ["x"] for group in groups}}
        assert f"SupplementaryGroups={wanted}" in render("alarm", unit, ansible_facts=facts)


def test_debians_certbot_renews_unless_pips_does(render: Render) -> None:
    debian = render("certbot", UNITS["certbot"])
    assert not any(line.startswith(("ExecStart=", "Environment=")) for line in debian)
    pip = render("certbot", UNITS["certbot"], certbot_install="pip")
    assert "ExecStart=" in pip
    assert (
        "ExecStart=/usr/local/lib/alexa-ip-cam/certbot/current/bin/certbot -q renew --no-random-sleep-on-renew" in pip
    )


def test_delegations_are_written_as_dns_compares_them(render: Render) -> None:
    lines = render(
        "certbot",
        "etc/letsencrypt/alexa-ip-cam-hooks/delegated.json",
        certbot_dns_delegations={"Cams.example.com": "X.Other.example.net."},
    )
    assert json.loads("".join(lines))["delegations"] == {"cams.example.com": "x.other.example.net"}


def page_rules(lines: list[str], path: str) -> list[str]:
    """The lines of a place of the page."""
    rest = lines[lines.index(f'<LocationMatch "^{path}$">') + 1 :]
    return rest[: rest.index("</LocationMatch>")]


HOME_NETWORK = {"default_ipv4": {"network": "192.168.1.0", "prefix": "24", "gateway": "192.168.1.1"}}


def test_without_a_page_apache_knows_no_path_of_it(render: Render) -> None:
    lines = render("apache", APACHE_SITE)
    assert [line for line in lines if "LocationMatch" in line or "page" in line] == []


def test_the_lan_is_the_default_routes_network_without_its_router(render: Render) -> None:
    lines = render("apache", APACHE_SITE, page_access="lan", ansible_facts=HOME_NETWORK)
    for path in ("/", "/metrics", "/live/[a-z0-9-]+[.]jpg"):
        rules = [line for line in page_rules(lines, path) if line.startswith("Require ")]
        assert rules == ["Require method GET", "Require ip 192.168.1.0/24", "Require not ip 192.168.1.1"]


def test_the_lan_can_be_named(render: Render) -> None:
    named = {"page_lan": ["10.0.0.0/8", "192.168.5.0/24"], "page_router": "none"}
    lines = render("apache", APACHE_SITE, page_access="lan", ansible_facts=HOME_NETWORK, **named)
    rules = [line for line in page_rules(lines, "/") if line.startswith("Require ")]
    assert rules == ["Require method GET", "Require ip 10.0.0.0/8 192.168.5.0/24"]


def test_a_log_in_can_be_asked_of_everybody(render: Render) -> None:
    lines = render("apache", APACHE_SITE, page_access="login", page_users={"anna": "correct horse battery"})
    rules = page_rules(lines, "/")
    assert [line for line in rules if line.startswith("Require ")] == ["Require method GET", "Require valid-user"]
    assert "AuthType Basic" in rules
    assert "correct horse battery" not in "\n".join(lines)


def test_signed_urls_are_as_strict_with_a_page_as_without(render: Render) -> None:
    without = render("apache", APACHE_SITE)
    with_page = render("apache", APACHE_SITE, page_access="lan", ansible_facts=HOME_NETWORK)
    assert with_page[: len(without) - 1] == without[:-1]
