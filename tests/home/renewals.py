"""Has an appliance renew its certificate now, and takes the time until it is served."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox import Machine

LIVE = "/etc/letsencrypt/live/alexa-ip-cam"
# The product never forces a renewal; who tests cannot wait for one.
_DROPIN = "/run/systemd/system/certbot.service.d/now.conf"
_TRIES = 3
_NO_CERTIFICATE = 3
# Runs on the appliance, so that nothing but the appliance's own work takes time.
_PROGRAM = f"""\
import json, socket, ssl, subprocess, sys, time
live, names = sys.argv[1], sys.argv[2:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def on_disk():
    end = time.monotonic() + 5
    while True:
        try:
            with open(live + "/cert.pem") as stream:
                return ssl.PEM_cert_to_DER_cert(stream.read())
        except FileNotFoundError:
            # certbot takes the link away before it makes the new one.
            if time.monotonic() > end:
                raise
def served(name):
    try:
        with socket.create_connection(("127.0.0.1", 443), 5) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secure:
                return secure.getpeercert(binary_form=True)
    except OSError:
        return b""
old, begun = on_disk(), time.monotonic()
certbot = subprocess.Popen(["systemctl", "start", "certbot.service"])
while on_disk() == old:
    if certbot.poll() is not None and on_disk() == old:
        sys.exit({_NO_CERTIFICATE})
    time.sleep(0.005)
issued = time.monotonic()
while any(served(name) != on_disk() for name in names):
    if time.monotonic() - issued > 60:
        sys.exit("the new certificate is not served")
    time.sleep(0.01)
now = time.monotonic()
certbot.wait()
print(json.dumps({{"issued_s": issued - begun, "served_s": now - issued, "status": certbot.returncode}}))
"""


@dataclass(frozen=True, slots=True)
class Renewal:
    """Seconds from the start until the certificate was on disk, and from then until every name was served with it.

    `status` is how certbot.service ended, 0 for well.
    """

    issued_s: float
    served_s: float
    status: int


@contextmanager
def forced(machine: Machine) -> Iterator[None]:
    """Have certbot.service renew whenever it is started."""
    shown = machine.run(["systemctl", "show", "-p", "ExecStart", "certbot.service"]).stdout
    program = re.findall(r"path=(\S+certbot)", shown)[-1]
    command = f"ExecStart={program} -q renew --no-random-sleep-on-renew --force-renewal"
    machine.write(_DROPIN, f"[Service]\nExecStart=\n{command}\n".encode())
    machine.run(["systemctl", "daemon-reload"])
    # systemd refuses a sixth start within ten seconds, which only a test comes to.
    machine.run(["systemctl", "reset-failed", "certbot.service"], check=False)
    try:
        yield
        # While systemd reads its units again, it watches no directory, and would miss an alarm.
        settle(machine)
    finally:
        machine.run(["rm", _DROPIN])
        machine.run(["systemctl", "daemon-reload"])


def settle(machine: Machine) -> None:
    """Wait until the units that follow certbot.service have ended; raises TimeoutError after two minutes."""
    deadline = time.monotonic() + 120
    units = ["alexa-ip-cam-renewal@*", "alexa-ip-cam-proof.service"]
    while True:
        listed = machine.run(["systemctl", "list-units", "--plain", "--no-legend", "--all", *units]).stdout
        jobs = machine.run(["systemctl", "list-jobs", "--plain", "--no-legend", *units]).stdout
        if not jobs and " activating " not in listed:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"still at work: {jobs}{listed}")
        time.sleep(0.1)


def renew(machine: Machine, names: Sequence[str], live: str = LIVE) -> Renewal:
    """Renew; the simulated ACME server refuses some nonces, and certbot gives up after two in a row.

    Raises RuntimeError when it does so three times, or the new certificate is not served for a minute.
    """
    with forced(machine):
        for _ in range(_TRIES):
            done = machine.run(["python3", "-c", _PROGRAM, live, *names], check=False, timeout=240)
            if done.returncode == 0:
                return Renewal(**json.loads(done.stdout))
            if done.returncode != _NO_CERTIFICATE:
                raise RuntimeError(done.stderr)
    raise RuntimeError(machine.journal("certbot.service", lines=30))
