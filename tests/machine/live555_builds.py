"""The pinned LIVE555 source, and the proxy built from it with sanitizers; both kept between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import yaml

from sandbox import cache_dir

ROLE = Path(__file__).resolve().parent.parent.parent / "roles/live555"
_LIBRARY_FLAGS = "-fsanitize=address -U_FORTIFY_SOURCE"
_PROXY_FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -U_FORTIFY_SOURCE"


def pinned_source() -> Path:
    """The archive that the role pins, fetched as the role does when it is not kept yet."""
    pins = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    package, sha256 = pins["__live555_package"], pins["__live555_package_sha256"]
    folder = cache_dir() / "live555-source" / sha256[:16]
    archive: Path = folder / "liblivemedia.tar.gz"
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "requirements.txt").write_text(f"{package} --hash=sha256:{sha256}\n")
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", "requirements.txt"]
        subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, "--dest", "download"], cwd=folder, check=True
        )
        next((folder / "download").glob("*.tar.gz")).rename(archive)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == sha256
    return archive


def unpacked_source() -> Path:
    """The pinned source as a directory."""
    archive = pinned_source()
    folder = archive.parent / "unpacked"
    if not folder.exists():
        part = folder.with_name(f"unpacked.{os.getpid()}")
        with tarfile.open(archive) as tar:
            tar.extractall(part, filter="data")
        part.rename(folder)
    return next(folder.iterdir())


def sanitized_proxy() -> Path:
    """``live555-proxy`` with AddressSanitizer, its own files with UndefinedBehaviorSanitizer, too."""
    own = b"".join(path.read_bytes() for path in sorted((ROLE / "files/proxy").iterdir()))
    key = hashlib.sha256(own + _LIBRARY_FLAGS.encode() + _PROXY_FLAGS.encode()).hexdigest()[:16]
    base = cache_dir() / "live555-sanitized"
    program = base / key / "live555-proxy"
    if not program.exists():
        for old in base.glob("*/live555-proxy"):
            shutil.rmtree(old.parent)
        argv = [
            "make",
            "--silent",
            f"--jobs={os.cpu_count()}",
            f"--file={ROLE}/files/proxy/Makefile",
            f"LIVE555={unpacked_source()}",
            f"OBJ={base}/objects",
            f"OUT={base}/{key}.part",
            f"LIBRARY_EXTRA={_LIBRARY_FLAGS}",
            f"PROXY_EXTRA={_PROXY_FLAGS}",
        ]
        subprocess.run(argv, check=True)
        (base / f"{key}.part").rename(program.parent)
    return program
