"""What the proof is told by the role: where to connect, which names, which roots, and where the certificate is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexa_ip_cam.service import settings_file

SETTINGS = Path("/etc/alexa-ip-cam/proof.json")


@dataclass(frozen=True)
class Settings:
    """`roots` is a PEM file with the only roots that count; `lineage` certbot's directory in `live`."""

    address: str
    port: int
    names: tuple[str, ...]
    roots: Path
    lineage: Path
    state: Path

    @property
    def config_dir(self) -> Path:
        """certbot's directory of configuration."""
        return self.lineage.parent.parent

    @property
    def renewal_conf(self) -> Path:
        """certbot's file about the renewal."""
        return self.config_dir / "renewal" / f"{self.lineage.name}.conf"


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        ValueError: they are missing or damaged; says how to mend it.
    """
    return settings_file.load(path, _settings, "run the role proof again")


def _settings(value: Mapping[str, Any]) -> Settings:
    return Settings(
        address=str(value["address"]),
        port=int(value["port"]),
        names=tuple(str(name) for name in value["names"]),
        roots=Path(value["roots"]),
        lineage=Path(value["lineage"]),
        state=Path(value["state"]),
    )
