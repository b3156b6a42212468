"""Filter: the project's own Python sources, for installing on the appliance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ansible.errors import AnsibleFilterError

_ROOT = Path(__file__).resolve().parent.parent
SOURCES = _ROOT / "src" / "alexa_ip_cam"
MODULES = _ROOT / "module_utils" / "appliance"


def python_sources(parts: Iterable[str]) -> dict[str, str]:
    """Text of the named modules and sub-packages of ``alexa_ip_cam``, keyed by path below the package.

    ``__init__.py`` always comes along. Raises AnsibleFilterError for a part that does not exist.
    """
    paths = [SOURCES / "__init__.py"]
    for part in parts:
        module, package = SOURCES / f"{part}.py", SOURCES / part
        if module.is_file():
            paths.append(module)
        elif package.is_dir():
            paths.extend(sorted(package.rglob("*.py")))
        else:
            raise AnsibleFilterError(f"src/alexa_ip_cam has no {part!r}")
    return {path.relative_to(SOURCES).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def module_sources(package: str) -> dict[str, str]:
    """Text of one package of our Ansible modules that needs nothing else, keyed by path below it.

    Raises AnsibleFilterError for a package that does not exist.
    """
    paths = sorted((MODULES / package).rglob("*.py"))
    if not paths:
        raise AnsibleFilterError(f"module_utils/appliance has no {package!r}")
    return {path.relative_to(MODULES / package).as_posix(): path.read_text(encoding="utf-8") for path in paths}


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Name to function."""
        return {"python_sources": python_sources, "module_sources": module_sources}
