"""AWS, played by moto's own server in a process of its own on the loopback."""

import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from boto3.session import Session

ACCESS_KEY = ("AKIDEXAMPLE", "a secret of no use")
REGION = "eu-west-1"
_START_SECONDS = 60  # it loads much, on machines that do other things, too
_RUNNING = re.compile(r"Running on (http://[0-9.]+:[0-9]+)")


class Aws:
    """A context manager; `url` is the endpoint of every service.

    Args:
        host: the address to listen on; the port is a free one.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host

    def __enter__(self) -> Self:
        """Start the server on a free port and wait until it listens.

        Raises:
            OSError: it did not start.
        """
        self._scratch = tempfile.TemporaryDirectory(prefix="aws-")
        self._log = Path(self._scratch.name, "log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("aws_server.py"), "-H", self._host, "-p", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url = self._address()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def client(self, service: str, region: str = REGION) -> Any:
        """boto3's client of a service."""
        key_id, secret = ACCESS_KEY
        session = Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region)
        return session.client(service, endpoint_url=self.url)

    def reset(self) -> None:
        """Forget everything that was made."""
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")) as answer:  # noqa: S310
            answer.read()

    def make_table(self, name: str) -> None:
        """A table with the keys that docs/design.md names ("The store")."""
        keys = {"site": "HASH", "item": "RANGE"}
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )

    def _address(self) -> str:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if match := _RUNNING.search(self._log.read_text(errors="replace")):
                return match[1]
            time.sleep(0.05)
        raise OSError(f"moto did not start:\n{self._log.read_text(errors='replace')}")

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._scratch.cleanup()
