"""Runs a Lambda zip as AWS does: unpacked, in a process of its own, by the real Lambda runtime client.

The runtime client (package ``awslambdaric``, the one in AWS's own images) takes its events from a small server here
that speaks the Lambda runtime API (AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes").
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

_INIT_SECONDS = 10  # AWS's limit for the init phase
_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:alexa-ip-cam:live"


class LambdaError(Exception):
    """The function raised, died, answered too late or could not be started; the message says which."""


class _Event(NamedTuple):
    request_id: str
    body: bytes
    deadline: float


class _Report(NamedTuple):
    """What the runtime client told the API: ``kind`` is the path's end (next, response, error, init/error)."""

    kind: str
    request_id: str
    body: bytes


class _Api(ThreadingHTTPServer):
    """The Lambda runtime API for one instance of a function, on a free port of the loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ApiHandler)
        self.events: queue.Queue[_Event | None] = queue.Queue()  # None: there will be no more
        self.reports: queue.Queue[_Report] = queue.Queue()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a function that was killed leaves so
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.events.put(None)
        self.shutdown()
        self._thread.join()
        self.server_close()


class _ApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for a delayed acknowledgement, 40 ms each
    server: _Api

    def do_GET(self) -> None:
        if self.path != "/2018-06-01/runtime/invocation/next":
            self.send_error(404)
            return
        self.server.reports.put(_Report("next", "", b""))
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        self._answer(
            200,
            event.body,
            {
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(event.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": _ARN,
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.path.removeprefix("/2018-06-01/runtime/").split("/"):
            case ["invocation", request_id, ("response" | "error") as kind]:
                report = _Report(kind, request_id, body)
            case ["init", "error"]:
                report = _Report("init/error", "", body)
            case _:
                self.send_error(404)
                return
        self._answer(202, b'{"status":"OK"}', {})
        self.server.reports.put(report)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Nothing: what the function writes is the log."""


class LambdaRuntime:
    """One warm instance of a function, started and stopped as a context manager."""

    def __init__(self, archive: Path, *, handler: str = "handler.handler") -> None:
        self._archive = archive
        self._handler = handler
        self._logs = ""

    def __enter__(self) -> Self:
        """Unpack the zip, import the function and wait until it asks for its first event.

        Raises:
            LambdaError: the import failed or took more than 10 s.
        """
        self._scratch = tempfile.TemporaryDirectory(prefix="lambda-")
        self._log = Path(self._scratch.name, "log")
        task = Path(self._scratch.name, "task")
        with zipfile.ZipFile(self._archive) as archive:
            archive.extractall(task)
        self._api = _Api()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", self._handler],
                cwd=task,
                env=self._environment(task),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            report = self._await(_INIT_SECONDS, "import")
            if report.kind != "next":
                raise LambdaError(f"the function could not be imported: {_reason(report)}")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def logs(self) -> str:
        """All that the function has written so far; stays readable after the end."""
        return self._log.read_text(errors="replace") if self._log.exists() else self._logs

    def invoke(self, event: object, timeout: float = 8) -> dict[str, Any]:
        """The function's answer to an event.

        Args:
            event: anything JSON can hold.
            timeout: seconds; Alexa itself waits 8.

        Raises:
            LambdaError: the function raised, died, answered late or with something else than a JSON object.
        """
        request_id = str(uuid.uuid4())
        self._api.events.put(_Event(request_id, json.dumps(event).encode(), time.time() + timeout))
        end = time.monotonic() + timeout
        while True:
            report = self._await(end - time.monotonic(), "answer")
            if report.request_id == request_id:
                break
        if report.kind != "response":
            raise LambdaError(f"the function raised: {_reason(report)}")
        answer = json.loads(report.body)
        if not isinstance(answer, dict):
            raise LambdaError(f"the function answered with a {type(answer).__name__} instead of an object")
        return answer

    def _await(self, seconds: float, what: str) -> _Report:
        end = time.monotonic() + seconds
        while True:
            status = self._process.poll()  # before the queue: what it said before it died counts
            try:
                return self._api.reports.get(timeout=0.05)
            except queue.Empty:
                pass
            if status is not None:
                raise LambdaError(f"the function ended with status {status} before its {what}:\n{self.logs}")
            if time.monotonic() >= end:
                self._process.kill()
                raise LambdaError(f"no {what} within the time given:\n{self.logs}")

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._api.stop()
        self._logs = self.logs
        self._scratch.cleanup()

    def _environment(self, task: Path) -> dict[str, str]:
        """The variables AWS documents as set ("Defined runtime environment variables"), and nothing of ours."""
        return {
            "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_NAME": "alexa-ip-cam",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/alexa-ip-cam",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[1]0123456789abcdef0123456789abcdef",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_REGION": "eu-west-1",
            "AWS_SECRET_ACCESS_KEY": "a secret of no use",
            "AWS_SESSION_TOKEN": "a token of no use",
            "LAMBDA_TASK_ROOT": str(task),
            "LANG": "en_US.UTF-8",
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",  # the task's directory is read-only at AWS
            "TZ": ":UTC",
            "_HANDLER": self._handler,
        }


def _reason(report: _Report) -> str:
    error = json.loads(report.body)
    return "\n".join([f"{error['errorType']}: {error['errorMessage']}", *error.get("stackTrace", [])])
