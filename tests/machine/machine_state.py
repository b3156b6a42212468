"""What is on a machine: to tell what somebody left there."""

from __future__ import annotations

import dataclasses
import re
from typing import Self

from sandbox import Machine

# Of /usr, the roles write only into /usr/local; the rest is the packages' and what their scripts make of them.
_PLACES = ("/etc", "/home", "/opt", "/root", "/srv", "/usr/local", "/var")
# What Debian's own tools write beside the packages' files, and logs.
_DEBIANS = re.compile(
    r"/etc/(?:alternatives|ssl/certs|fonts/conf\.d|rc\w\.d|init\.d|\w*shadow-?|\w*passwd-?|\w*group-?|sub[ug]id-?)(?:/.*)?"
    r"|/etc/apache2/\w+-enabled/.*|/etc/systemd/system/multi-user\.target\.wants/stunnel\.target"
    r"|/usr/local/share/fonts|/var/tmp/systemd-private-.*"
    r"|/var/(?:lib/(?:dpkg|apt|systemd|ucf|python|pam|misc|apache2|stunnel4)|cache/(?:apt|fontconfig|debconf|ldconfig|man)|log)(?:/.*)?"
    r"|/root/\.ansible(?:/.*)?"
)


@dataclasses.dataclass(frozen=True)
class MachineState:
    """Paths, names of users and groups, units that start at boot or are loaded."""

    paths: frozenset[str]
    names: frozenset[str]
    units: frozenset[str]

    @classmethod
    def of(cls, machine: Machine) -> Self:
        """Look at a machine; files of Debian's packages do not count."""
        packaged = set(machine.run(["sh", "-c", "cat /var/lib/dpkg/info/*.list"]).stdout.splitlines())
        # /usr is merged: packages know some files by other names.
        packaged |= {f"/usr{path}" for path in packaged}
        found = machine.run(["find", *_PLACES, "-xdev"]).stdout.splitlines()
        names = machine.run(["sh", "-c", "cut -d: -f1 /etc/passwd /etc/group"]).stdout.split()
        enabled = machine.run(["systemctl", "list-unit-files", "--state=enabled", "--plain", "--no-legend"]).stdout
        loaded = machine.run(["systemctl", "list-units", "--all", "--plain", "--no-legend"]).stdout
        # Slices come and go by themselves.
        units = {name for line in (enabled + loaded).splitlines() if not (name := line.split()[0]).endswith(".slice")}
        return cls(
            frozenset(path for path in found if path not in packaged and not _DEBIANS.fullmatch(path)),
            frozenset(names),
            frozenset(units),
        )

    def ours_since(self, before: Self) -> frozenset[str]:
        """What of the appliance is there and was not."""
        units = {unit for unit in self.units - before.units if "alexa" in unit or "live555" in unit}
        names = {name for name in self.names - before.names if name.startswith("alexa")}
        return (self.paths - before.paths) | units | names
