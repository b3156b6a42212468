"""Runs on the appliance: asks its certbot whether it would renew certificates of several lifetimes at several ages."""

import datetime as dt
import json
import sys
import tempfile
from pathlib import Path

from certbot import configuration
from certbot._internal import cli, storage
from certbot._internal.plugins import disco
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alexa_ip_cam.proof import on_disk, plan

KEY = ec.generate_private_key(ec.SECP256R1())


def lineage(config: Path, days: float, left: float) -> Path:
    """A lineage with a certificate of `days`, of whose life the share `left` is left now; returns its configuration."""
    name = f"of-{days}-{left}"
    life, now = dt.timedelta(days=days), dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - life * (1 - left))
        .not_valid_after(now + life * left)
        .sign(KEY, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    key = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    archive, live = config / "archive" / name, config / "live" / name
    archive.mkdir(parents=True)
    live.mkdir(parents=True)
    lines = [f"archive_dir = {archive}"]
    for kind, text in (("cert", pem), ("privkey", key), ("chain", pem), ("fullchain", pem + pem)):
        (archive / f"{kind}1.pem").write_bytes(text)
        (live / f"{kind}.pem").symlink_to(archive / f"{kind}1.pem")
        lines.append(f"{kind} = {live}/{kind}.pem")
    lines += ["", "[renewalparams]", "authenticator = manual", "server = https://acme.example/dir", ""]
    conf = config / "renewal" / f"{name}.conf"
    conf.parent.mkdir(exist_ok=True)
    disk = on_disk.read(live)
    assert disk is not None
    conf.write_text(plan.planned("\n".join(lines), disk.lifetime, help_certbot=plan.needs_help()))
    return conf


def main() -> None:
    """Print the decisions as JSON."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory)
        argv = ["renew", "--config-dir", directory, "--work-dir", directory, "--logs-dir", directory]
        asked = configuration.NamespaceConfig(cli.prepare_and_parse_args(disco.PluginsRegistry.find_all(), argv))
        decisions = []
        for days in (90, 45, 6):
            for left in (0.9, 0.52, 0.48, 0.35, 0.31):
                conf = lineage(config, days, left)
                renews = storage.RenewableCert(str(conf), asked).should_autorenew()
                decisions.append({"days": days, "left": left, "renews": bool(renews)})
        json.dump(decisions, sys.stdout)


main()
