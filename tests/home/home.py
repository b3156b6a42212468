"""The home itself: starts the world and the appliance, runs playbooks on it, lets the family speak."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from home import playbook
from home.inventory import CLIPS_NAME, STREAMS_NAME, Inventory
from sandbox import Machine, Network, cache_dir, debian_root, suite_from_env
from simulators.amazon.alexa import Alexa
from simulators.amazon.lambda_runtime import LambdaRuntime
from simulators.echo.watch import Watch, watch
from world import World


class Home:
    """A context manager; everything it started is gone at its end.

    ``directory`` takes the inventory, logs and pictures. ``cameras`` names simulated cameras (all by default).
    """

    def __init__(
        self, name: str, directory: Path, *, suite: str | None = None, cameras: tuple[str, ...] | None = None
    ) -> None:
        """Nothing is started before ``__enter__``."""
        self.name = name
        self.directory = directory
        self.suite = suite or suite_from_env()
        self._wanted = cameras
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
                    root=debian_root(self.suite),
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
                inventory.add_camera(camera)
        ca_bundle = self.directory / "acme-ca.pem"
        ca_bundle.write_text(self.world.acme_tls_ca_pem())
        key = self.world.dns_update_key
        inventory.secrets["vault_dns_secret"] = key.secret
        inventory.variables.update(
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
            certbot_preferred_chain=self.world.acme_root_names()[1],
        )
        inventory.write()
        return inventory

    def site(self, *arguments: str, echo: bool = False) -> playbook.Recap:
        """Run ``playbooks/site.yml`` on the appliance; raises `playbook.PlaybookError`."""
        self.inventory.write()
        return playbook.run(self.inventory.directory, *arguments, echo=echo)

    def roots_pem(self) -> str:
        """The roots that this home's Echo trusts."""
        return "".join(self.world.acme_roots())

    def echo(self, uri: str, *, seconds: float = 6.0, **options: Any) -> Watch:
        """Open a stream as an Echo does, through the appliance's port 443."""
        return watch(uri, address=self.appliance.address, roots_pem=self.roots_pem(), seconds=seconds, **options)

    @contextlib.contextmanager
    def alexa(self, settings: dict[str, Any]) -> Any:
        """Amazon's side: the zip that would be deployed, run by the real Lambda runtime client."""
        from build_zip import build  # noqa: PLC0415  # lambda/ is not a package: `lambda` is a keyword

        archive = self.directory / "skill.zip"
        build(settings, archive)
        with LambdaRuntime(archive) as function:
            yield Alexa(function.invoke)
