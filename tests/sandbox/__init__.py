"""Throwaway Debian machines: a root built once, booted by systemd-nspawn with a fresh overlay each time."""

from sandbox.cache import cache_dir
from sandbox.errors import CommandError, SandboxError
from sandbox.host import install_host_packages, require_host
from sandbox.machine import Machine
from sandbox.network import Network
from sandbox.roots import debian_root, suite_from_env

__all__ = [
    "CommandError",
    "Machine",
    "Network",
    "SandboxError",
    "cache_dir",
    "debian_root",
    "install_host_packages",
    "require_host",
    "suite_from_env",
]
