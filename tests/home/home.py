"""The home itself: starts the world and the appliance, runs playbooks on it, lets the family speak."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509

from alexa_ip_cam.lambda_zip import build, settings_from_inventory
from home import playbook
from home.inventory import CLIPS_NAME, LWA_CLIENT_ID, OWNER, STREAMS_NAME, Inventory, recordings_of
from sandbox import Machine, Network, cache_dir, debian_root, suite_from_env
from simulators.amazon.alexa import Alexa
from simulators.amazon.lambda_runtime import LambdaRuntime
from simulators.amazon.lwa import Lwa
from simulators.echo.watch import Watch, watch
from world import World

PACKAGES = ("stunnel4", "apache2", "certbot", "haproxy", "ffmpeg", "python3")


class Home:
    """A context manager; everything it started is gone at its end.

    ``directory`` takes the inventory, logs and pictures. ``cameras`` names simulated cameras (all by default).
    ``packages`` of Debian are on the appliance from the start.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        suite: str | None = None,
        cameras: tuple[str, ...] | None = None,
        packages: tuple[str, ...] = (),
    ) -> None:
        """Nothing is started before ``__enter__``."""
        self.name = name
        self.directory = directory
        self.suite = suite or suite_from_env()
        self._wanted = cameras
        self.packages = packages
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Boot the world and a virgin appliance, and write the inventory."""
        with contextlib.ExitStack() as stack:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.network = stack.enter_context(Network(self.name))
            self.world = stack.enter_context(World(self.network))
            builds = cache_dir() / "live555" / self.suite
            builds.mkdir(parents=True, exist_ok=True)
            self.appliance = stack.enter_context(
                Machine(
                    self.network,
                    "appliance",
                    root=debian_root(self.suite, self.packages),
                    number=10,
                    binds={builds: "/var/cache/alexa-ip-cam/live555"},
                    resolver=self.world.address,
                )
            )
            for host in (STREAMS_NAME, CLIPS_NAME):
                self.world.set_address(host, self.appliance.address)
            self.inventory = self._make_inventory()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self._stack.close()

    def _make_inventory(self) -> Inventory:
        folder = self.directory / "inventory"
        shutil.rmtree(folder, ignore_errors=True)
        inventory = Inventory(folder, address=self.appliance.address, ssh_args=self.appliance.ssh_args)
        for camera in self.world.inventory_cameras():
            if self._wanted is None or camera["id"] in self._wanted:
                inventory.add_camera({**camera, **recordings_of(camera["id"])})
        ca_bundle = self.directory / "acme-ca.pem"
        ca_bundle.write_text(self.world.acme_tls_ca_pem())
        root = self.directory / "echo-root.pem"
        root.write_text(self.world.acme_roots()[1])
        key = self.world.dns_update_key
        inventory.secrets["vault_dns_secret"] = key.secret
        inventory.variables.update(
            page_access="lan-or-login",
            page_users={"owner": "{{ vault_page_password }}"},
            certbot_email="owner@example.test",
            certbot_server=self.world.acme_directory,
            certbot_ca_bundle=str(ca_bundle),
            certbot_dns_plugin="rfc2136",
            certbot_dns_credentials={
                "dns_rfc2136_server": self.world.address,
                "dns_rfc2136_name": key.name,
                "dns_rfc2136_secret": "{{ vault_dns_secret }}",
                "dns_rfc2136_algorithm": key.algorithm,
            },
            # BIND answers with the new record at once.
            certbot_dns_propagation_seconds=1,
            certbot_preferred_chain=self.world.acme_root_names()[1],
            certbot_root_file=str(root),
        )
        inventory.write()
        return inventory

    def site(self, *arguments: str, echo: bool = False, environment: Mapping[str, str] | None = None) -> playbook.Recap:
        """Run ``playbooks/site.yml`` on the appliance; raises `playbook.PlaybookError`.

        ``environment`` is what the owner has exported besides.
        """
        self.inventory.write()
        return playbook.run(self.inventory.directory, *arguments, echo=echo, environment=environment)

    @property
    def roots_pem(self) -> Path:
        """A file with the roots that this home's Echo trusts."""
        path = self.directory / "roots.pem"
        path.write_text("".join(self.world.acme_roots()))
        return path

    def echo(self, uri: str, **options: Any) -> Watch:
        """Open a stream as an Echo does, through the appliance's port 443, up to the first whole keyframe.

        ``options`` are those of `simulators.echo.watch.watch`.
        """
        return asyncio.run(watch(uri, address=self.appliance.address, roots_pem=self.roots_pem, **options))

    @contextlib.contextmanager
    def alexa(self, *, sign_streams: bool = True) -> Iterator[Alexa]:
        """Amazon's side: the owner's account, and the very zip to deploy, run by the real Lambda runtime client.

        There is no store: what needs one is answered with an error.
        """
        archive = self.directory / "skill.zip"
        with Lwa() as lwa:
            lwa.add_client(LWA_CLIENT_ID, secrets.token_urlsafe(32))
            settings = settings_from_inventory(
                {**self.inventory.resolved(), "gateway_enabled": sign_streams},
                table="alexa-ip-cam",
                region="eu-west-1",
                lwa_url=lwa.url,
                store_url="http://127.0.0.1:9",  # nobody listens there
            )
            build(settings, archive)
            with LambdaRuntime(archive) as function:
                yield Alexa(function.invoke, lwa.new_bearer(LWA_CLIENT_ID, OWNER))

    def served_chain(self, name: str = STREAMS_NAME) -> list[x509.Certificate]:
        """The certificates that port 443 serves for a name, leaf first."""
        target = f"{self.appliance.address}:443"
        argv = ["openssl", "s_client", "-showcerts", "-connect", target, "-servername", name]
        shown = subprocess.run(argv, input=b"", capture_output=True, timeout=20, check=False).stdout
        return x509.load_pem_x509_certificates(shown)

    def versions(self) -> dict[str, str]:
        """Versions of the parts of the appliance, by Debian package or name."""
        query = ["dpkg-query", "-W", "-f", "${Package} ${Version}\\n", *PACKAGES]
        listed = self.appliance.run(query, check=False).stdout
        versions = dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
        release = self.appliance.read("/etc/debian_version").decode().strip()
        return {"debian": release, "ansible-core": metadata.version("ansible-core"), **versions}

    def how_to_look_around(self) -> str:
        """For a person whose demo was kept running."""
        log_in = shlex.join(["ssh", *self.appliance.ssh_args, f"root@{self.appliance.address}"])
        again = shlex.join(["ansible-playbook", "-i", str(self.inventory.directory), "playbooks/site.yml"])
        return f"log in:     {log_in}\nrun again:  {again}"
