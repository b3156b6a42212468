"""The owner's log-in at Amazon, once: ``python -m alexa_ip_cam.login INVENTORY`` keeps it beside the inventory.

Asks for client id and secret of the security profile, prints the address of Amazon's consent page, and catches the
redirect on loopback ("Authorization Code Grant" page of Login with Amazon; scopes as in "Get an Access Token for
SMAPI"). The same profile later links the family's accounts, so the owner makes only one.
"""

import getpass
import http.server
import os
import secrets
import select
import sys
import urllib.parse
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.deploy import private_file

PORT = 9090
"""The redirect comes to ``http://127.0.0.1:9090/cb``: the profile lists it letter by letter."""
SCOPES = "alexa::ask:skills:readwrite alexa::ask:skills:test"
CONSENT_URL = "https://www.amazon.com/ap/oa"

_PATIENCE_SECONDS = 600  # the owner may have to find a phone for a second factor
_DONE = b"<!doctype html><title>Log-in</title><p>You can close this window; the terminal says how it went."
_AGAIN = "run the log-in again"


class LoginError(Exception):
    """The log-in did not come about; the message says why and how to mend it, and holds no secret."""


class Amazon(NamedTuple):
    """Where Amazon is, and where it leads back to: other values are for a simulated one."""

    consent_url: str = CONSENT_URL
    lwa_url: str = lwa.LWA_URL
    port: int = PORT


def log_in(
    client: lwa.Client,
    path: Path,
    *,
    amazon: Amazon = Amazon(),  # noqa: B008  (immutable)
    show: Callable[[str], Any] = print,
    pasted: IO[str] | None = None,
    patience: float = _PATIENCE_SECONDS,
) -> str:
    """Let the owner consent in a browser, and keep what comes of it; returns the owner's user id.

    Args:
        client: of the security profile.
        path: the file that keeps the log-in; written only when all went well.
        amazon: where Amazon is.
        show: is called once with the address of the consent page.
        pasted: lines in which the owner may give the address that the browser ended at, when the browser runs on
            another machine and cannot reach this one's loopback.
        patience: seconds to wait for the owner.

    Raises:
        LoginError: as it says.
    """
    with _Catcher(amazon.port) as catcher:
        state = secrets.token_urlsafe(24)
        query = {
            "client_id": client.client_id,
            "scope": SCOPES,
            "response_type": "code",
            "redirect_uri": catcher.redirect_uri,
            "state": state,
        }
        show(f"{amazon.consent_url}?{urllib.parse.urlencode(query)}")
        code = _code(catcher.wait(pasted, patience), state)
        redirect_uri = catcher.redirect_uri
    try:
        tokens = lwa.exchange_code(code, client, redirect_uri=redirect_uri, url=amazon.lwa_url)
        owner = lwa.token_info(tokens.access_token, url=amazon.lwa_url)
    except lwa.ClientRefusedError:
        raise LoginError(
            f"Amazon does not know this client id and secret; copy both from the profile and {_AGAIN}"
        ) from (None)
    except lwa.GrantDeadError:
        raise LoginError(f"Amazon takes this code no more; {_AGAIN}") from None
    except lwa.LwaError as problem:
        raise LoginError(f"{problem}; {_AGAIN}") from None
    if owner.audience != client.client_id:
        raise LoginError(f"the token is for another client id; {_AGAIN}")
    kept = {**client._asdict(), "refresh_token": tokens.refresh_token, "user_id": owner.user_id}
    private_file.write(path, kept)
    return owner.user_id


def main() -> int:
    """The command line. Exit status 0, or 1 with one line on standard error."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print("usage: python -m alexa_ip_cam.login INVENTORY   (the directory, such as inventory)", file=sys.stderr)
        return 1
    folder = Path(sys.argv[1])
    if not folder.is_dir():
        print(f"login: {folder} is no directory; give the one that holds hosts.yml", file=sys.stderr)
        return 1
    path = folder / private_file.LOGIN
    try:
        user_id = log_in(_ask_for_client(path), path, show=_show, pasted=sys.stdin if sys.stdin.isatty() else None)
    except (LoginError, private_file.PrivateFileError) as problem:
        print(f"login: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("login: stopped; nothing was kept", file=sys.stderr)
        return 1
    print(f"Logged in as {user_id}; kept in {path}, readable for you alone.")
    return 0


def _ask_for_client(path: Path) -> lwa.Client:
    kept = private_file.read(path)
    shown = kept.get("client_id", "")
    client_id = input(f"Client ID of the security profile{f' [{shown}]' if shown else ''}: ").strip() or shown
    if not client_id.startswith("amzn1.application-oa2-client."):
        raise LoginError("a client id begins with amzn1.application-oa2-client; copy it from the security profile")
    keep = ", empty for the one at hand" if client_id == shown else ""
    secret = getpass.getpass(f"Client Secret (not shown{keep}): ").strip()
    secret = secret or (kept.get("client_secret", "") if keep else "")
    if not secret:
        raise LoginError("the client secret is empty; copy it from the security profile")
    return lwa.Client(client_id, secret)


def _show(address: str) -> None:
    print(f"\nOpen this address in a browser and consent:\n\n{address}\n")
    print("If the browser runs on another machine, it ends at a page that cannot be shown: paste its address here.")
    webbrowser.open(address)


def _code(answer: dict[str, str], state: str) -> str:
    if not secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise LoginError(f"the answer belongs to another log-in; {_AGAIN}")
    if "error" in answer:
        reason = "you did not consent" if answer["error"] == "access_denied" else "Amazon refused"
        raise LoginError(f"{reason} ({answer['error'][:40]!r}); {_AGAIN}")
    if not answer.get("code"):
        raise LoginError(f"the answer has no code; {_AGAIN}")
    return answer["code"]


class _Catcher:
    """Listens on loopback for the redirect."""

    def __init__(self, port: int) -> None:
        try:
            self._server = http.server.HTTPServer(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise LoginError(f"port {port} on 127.0.0.1 is taken ({error.strerror}); end what uses it") from None
        self._server.timeout = 5
        self._server.answer = None  # type: ignore[attr-defined]
        self.redirect_uri = f"http://127.0.0.1:{self._server.server_port}/cb"

    def __enter__(self) -> "_Catcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def wait(self, pasted: IO[str] | None, patience: float) -> dict[str, str]:
        """The fields of the redirect, however it comes."""
        sources: list[Any] = [self._server, *([pasted] if pasted else [])]
        typed = b""
        while True:
            ready, _, _ = select.select(sources, [], [], patience)
            if not ready:
                raise LoginError(f"nobody consented within {patience:.0f} s; {_AGAIN}")
            if pasted in ready and pasted is not None:
                # Past the buffer of the text stream, which would hide a second line from select.
                chunk = os.read(pasted.fileno(), 8192)
                if not chunk:
                    sources.remove(pasted)
                *lines, typed = (typed + chunk).split(b"\n")
                if line := next(filter(bytes.strip, lines), b""):
                    return _fields(line.decode(errors="replace").strip())
            if self._server in ready:
                self._server.handle_request()
                answer: dict[str, str] | None = self._server.answer  # type: ignore[attr-defined]
                if answer is not None:
                    return answer


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 5  # seconds of silence; a browser's idle connection must not hold the log-in up

    def do_GET(self) -> None:
        fields = _fields(self.path)
        if urllib.parse.urlsplit(self.path).path != "/cb" or "state" not in fields:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(_DONE)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(_DONE)
        self.server.answer = fields  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Nothing: the path holds the code."""


def _fields(address: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


if __name__ == "__main__":
    sys.exit(main())
