"""Amazon's Skill Management API as a real HTTP server, as far as a smart home skill needs it, and as strict.

Paths, statuses and fields as in Amazon's "Skill Management API" pages and its published SDK model: builds take time and
are told by status, a second change meanwhile is a conflict, a build of the manifest loses account linking, and a
function that the skill may not call fails the build.
"""

import copy
import json
import re
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from simulators.amazon.lwa import Lwa

Json = dict[str, Any]

EVENTS = "alexa::async_event:write"
AWS_REGIONS = {"NA": "us-east-1", "EU": "eu-west-1", "FE": "us-west-2"}
PAGE = 10  # skills in one answer, whatever was asked for

_ARN = re.compile(r"arn:aws:lambda:([a-z0-9-]+):(\d{12}):function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+")
_LINKING_FIELDS = {
    "type",
    "authorizationUrl",
    "accessTokenUrl",
    "clientId",
    "clientSecret",
    "accessTokenScheme",
    "scopes",
    "domains",
    "skipOnEnablement",
}


class Asked(NamedTuple):
    """A request as it came, and the status it was answered with."""

    method: str
    path: str
    status: int


class Reply(NamedTuple):
    """What is answered: an object, or nothing where there is none to say."""

    status: int
    body: Json | None = None
    headers: dict[str, str] = {}  # noqa: RUF012  (never changed)


@dataclass
class Skill:
    """One skill in development. `ends`: when the running build is over, by the monotonic clock; None without one."""

    skill_id: str
    client: tuple[str, str]
    manifest: Json | None = None
    pending: Json | None = None
    ends: float | None = None
    status: str = "IN_PROGRESS"
    errors: list[Json] = field(default_factory=list)
    etag: str = ""
    linking: Json | None = None
    enabled: bool = False
    builds: int = 0


class _RefusalError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"message": message})


class Smapi:
    """A context manager; `url` is what takes the place of ``https://api.amazonalexa.com``.

    Args:
        lwa: knows the tokens.
        may_call: whether a function lets a skill call it, by ARN and skill id.
        host: the address to listen on; the port is a free one.
        build_seconds: how long a build takes.
        vendors: the developer accounts of whoever logs in.
    """

    def __init__(
        self,
        lwa: Lwa,
        may_call: Callable[[str, str], bool],
        *,
        host: str = "127.0.0.1",
        build_seconds: float = 0.2,
        vendors: tuple[str, ...] = ("M1A2B3C4D5E6F7",),
    ) -> None:
        self._lwa = lwa
        self._may_call = may_call
        self._host = host
        self.build_seconds = build_seconds
        self.vendors = vendors
        self.enabling_needs_linking = False
        self.skills: dict[str, Skill] = {}
        self._lock = threading.RLock()
        self._faults: list[tuple[str, str, Reply, bool]] = []
        self._asked: list[Asked] = []

    def __enter__(self) -> Self:
        self._server = _Server((self._host, 0), self)
        self.url = f"http://{self._host}:{self._server.server_port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def fail(self, method: str, path: str, status: int, times: int = 1, *, after: bool = False, **headers: str) -> None:
        """Answer the next requests whose path matches a pattern so; with `after` once they have been carried out."""
        reply = Reply(status, {"message": "Told to."}, {name.replace("_", "-"): text for name, text in headers.items()})
        with self._lock:
            self._faults += [(method, path, reply, after)] * times

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far."""
        with self._lock:
            return list(self._asked)

    @property
    def changes(self) -> list[Asked]:
        """What was asked to be changed so far."""
        return [asked for asked in self.requests if asked.method != "GET"]

    def only_skill(self) -> Skill:
        """The one skill there is."""
        with self._lock:
            (skill,) = self.skills.values()
            self._settle(skill)
            return skill

    def handle(self, method: str, target: str, headers: Any, body: bytes) -> Reply | None:
        """Answer one request; None for an answer that gets lost."""
        path = urlsplit(target).path
        with self._lock:
            fault = next((one for one in self._faults if one[0] == method and re.search(one[1], path)), None)
            if fault:
                self._faults.remove(fault)
            if fault and not fault[3]:
                reply = fault[2]
            else:
                try:
                    reply = self._route(method, target, headers, body)
                except _RefusalError as refusal:
                    reply = refusal.reply
                if fault:
                    reply = fault[2]
            self._asked.append(Asked(method, path, reply.status))
        return reply if reply.status else None

    def _route(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._lwa.is_valid_access(token) is None:
            raise _RefusalError(401, "Token is invalid/expired")
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        for pattern, handler in _ROUTES:
            if match := re.fullmatch(pattern, f"{method} {url.path}"):
                document = _document(headers, body) if method in ("POST", "PUT") and body else {}
                arguments: list[Any] = [self._skill(match["id"])] if "id" in match.groupdict() else []
                result: Reply = handler(self, *arguments, document, query, headers)
                return result
        raise _RefusalError(404, "The requested resource was not found.")

    def _skill(self, skill_id: str) -> Skill:
        if skill_id not in self.skills:
            raise _RefusalError(404, "Resource not found.")
        skill = self.skills[skill_id]
        self._settle(skill)
        return skill

    def _settle(self, skill: Skill) -> None:
        """Take in the build whose time is over."""
        if skill.ends is None or time.monotonic() < skill.ends:
            return
        skill.ends = None
        skill.errors = self._build_errors(skill)
        skill.status = "FAILED" if skill.errors else "SUCCEEDED"
        if not skill.errors:
            skill.manifest, skill.etag = skill.pending, secrets.token_hex(16)
            skill.linking = None
            skill.builds += 1
        skill.pending = None

    def _build_errors(self, skill: Skill) -> list[Json]:
        smart_home = (skill.pending or {})["apis"]["smartHome"]
        errors = []
        for region, entry in smart_home.get("regions", {}).items():
            arn = entry["endpoint"]["uri"]
            match = _ARN.fullmatch(arn)
            if not match or match[1] != AWS_REGIONS[region]:
                errors.append(
                    {"code": "INVALID_ENDPOINT", "message": f"The endpoint of {region} is in no region of it."}
                )
            elif not self._may_call(arn, skill.skill_id):
                message = f"Please make sure that Alexa Smart Home is selected for the event source type of {arn}."
                errors.append({"code": "INVALID_LAMBDA_TRIGGER", "message": message})
        return errors

    def _start(self, skill: Skill, manifest: Json) -> Reply:
        skill.pending, skill.status = copy.deepcopy(manifest), "IN_PROGRESS"
        skill.ends = time.monotonic() + self.build_seconds
        location = f"/v1/skills/{skill.skill_id}/status?resource=manifest"
        return Reply(202, {"skillId": skill.skill_id}, {"Location": location})

    def _vendors(self, *_: Any) -> Reply:
        return Reply(200, {"vendors": [{"id": one, "name": "A home", "roles": ["ROLE_ADMIN"]} for one in self.vendors]})

    def _list(self, _: Json, query: dict[str, str], __: Any) -> Reply:
        if query.get("vendorId") not in self.vendors:
            raise _RefusalError(400, "The vendor id is missing or wrong.")
        start = int(query.get("nextToken", "0"))
        whole = list(self.skills.values())
        for skill in whole:
            self._settle(skill)
        shown = whole[start : start + PAGE]
        body: Json = {"skills": [_summary(skill) for skill in shown], "isTruncated": start + PAGE < len(whole)}
        if body["isTruncated"]:
            body["nextToken"] = str(start + PAGE)
        return Reply(200, body)

    def _create(self, document: Json, _: Any, __: Any) -> Reply:
        if set(document) != {"vendorId", "manifest"} or document["vendorId"] not in self.vendors:
            raise _RefusalError(400, "A skill needs a vendorId of yours and a manifest.")
        _check_manifest(document["manifest"])
        skill_id = f"amzn1.ask.skill.{uuid.uuid4()}"
        client = (f"amzn1.application-oa2-client.{secrets.token_hex(16)}", secrets.token_hex(32))
        self._lwa.add_client(*client)
        self.skills[skill_id] = Skill(skill_id, client)
        return self._start(self.skills[skill_id], document["manifest"])

    def _manifest(self, skill: Skill, *_: Any) -> Reply:
        # The first build has to be over before there is anything to show.
        content = skill.manifest or skill.pending
        return Reply(200, {"manifest": _with_defaults(content or {})}, {"ETag": skill.etag})

    def _update(self, skill: Skill, document: Json, _: Any, headers: Any) -> Reply:
        self._refuse_while_building(skill)
        if set(document) != {"manifest"}:
            raise _RefusalError(400, "The body must have a manifest and nothing else.")
        if "If-Match" in headers and headers["If-Match"] != skill.etag:
            raise _RefusalError(412, "The ETag does not match.")
        _check_manifest(document["manifest"])
        return self._start(skill, document["manifest"])

    def _status(self, skill: Skill, _: Json, query: dict[str, str], __: Any) -> Reply:
        if query.get("resource", "manifest") != "manifest":
            raise _RefusalError(400, "Unknown resource.")
        last: Json = {"status": skill.status}
        if skill.errors:
            last["errors"] = skill.errors
        return Reply(200, {"manifest": {"eTag": skill.etag, "lastUpdateRequest": last}})

    def _linking(self, skill: Skill, *_: Any) -> Reply:
        if skill.linking is None:
            raise _RefusalError(404, "There is no account linking for this skill.")
        shown = {key: value for key, value in skill.linking.items() if key != "clientSecret" and value}
        return Reply(200, {"accountLinkingResponse": shown})

    def _link(self, skill: Skill, document: Json, *_: Any) -> Reply:
        self._refuse_while_building(skill)
        request = document.get("accountLinkingRequest")
        if set(document) != {"accountLinkingRequest"} or not isinstance(request, dict):
            raise _RefusalError(400, "The body must have an accountLinkingRequest.")
        if set(request) - _LINKING_FIELDS or request.get("type") != "AUTH_CODE":
            raise _RefusalError(400, "Smart home skills link accounts by AUTH_CODE.")
        if not all(
            request.get(key) for key in ("authorizationUrl", "accessTokenUrl", "clientId", "clientSecret", "scopes")
        ):
            raise _RefusalError(400, "A field of account linking is missing.")
        if request.get("accessTokenScheme") not in ("HTTP_BASIC", "REQUEST_BODY_CREDENTIALS"):
            raise _RefusalError(400, "accessTokenScheme is wrong.")
        skill.linking = dict(request)
        return Reply(204)

    def _credentials(self, skill: Skill, *_: Any) -> Reply:
        client_id, secret = skill.client
        return Reply(200, {"skillMessagingCredentials": {"clientId": client_id, "clientSecret": secret}})

    def _enablement(self, skill: Skill, *_: Any) -> Reply:
        return Reply(204) if skill.enabled else Reply(404, {"message": "The skill is not enabled."})

    def _enable(self, skill: Skill, *_: Any) -> Reply:
        self._refuse_while_building(skill)
        if not (skill.manifest or {})["apis"]["smartHome"].get("endpoint"):
            raise _RefusalError(400, "The skill has no endpoint.")
        if skill.linking is None or self.enabling_needs_linking:
            raise _RefusalError(400, "Account linking has to be completed first.")
        skill.enabled = True
        return Reply(204)

    def _delete(self, skill: Skill, *_: Any) -> Reply:
        self._refuse_while_building(skill)
        del self.skills[skill.skill_id]
        return Reply(204)

    @staticmethod
    def _refuse_while_building(skill: Skill) -> None:
        if skill.ends is not None:
            raise _RefusalError(409, "Another update is in progress.")


_STAGE = r"/v1/skills/(?P<id>[^/]+)/stages/development"
_ROUTES: list[tuple[str, Callable[..., Reply]]] = [
    (r"GET /v1/vendors", Smapi._vendors),
    (r"GET /v1/skills", Smapi._list),
    (r"POST /v1/skills", Smapi._create),
    (rf"GET {_STAGE}/manifest", Smapi._manifest),
    (rf"PUT {_STAGE}/manifest", Smapi._update),
    (r"GET /v1/skills/(?P<id>[^/]+)/status", Smapi._status),
    (rf"GET {_STAGE}/accountLinkingClient", Smapi._linking),
    (rf"PUT {_STAGE}/accountLinkingClient", Smapi._link),
    (r"GET /v1/skills/(?P<id>[^/]+)/credentials", Smapi._credentials),
    (rf"GET {_STAGE}/enablement", Smapi._enablement),
    (rf"PUT {_STAGE}/enablement", Smapi._enable),
    (r"DELETE /v1/skills/(?P<id>[^/]+)", Smapi._delete),
]


def _document(headers: Any, body: bytes) -> Json:
    if headers.get("Content-Type", "").partition(";")[0] != "application/json":
        raise _RefusalError(415, "The body must be JSON.")
    try:
        document = json.loads(body)
    except ValueError:
        raise _RefusalError(400, "The body is no JSON.") from None
    if not isinstance(document, dict):
        raise _RefusalError(400, "The body must be an object.")
    return document


def _check_manifest(manifest: Json) -> None:
    def refuse_unless(condition: object, what: str) -> None:
        if not condition:
            raise _RefusalError(400, f"The manifest is not valid: {what}")

    refuse_unless(isinstance(manifest, dict), "it is no object")
    known = {"manifestVersion", "permissions", "apis", "publishingInformation", "privacyAndCompliance"}
    refuse_unless(set(manifest) <= known, f"unknown {sorted(set(manifest) - known)}")
    refuse_unless(manifest.get("manifestVersion") == "1.0", "manifestVersion")
    refuse_unless(all(one == {"name": EVENTS} for one in manifest.get("permissions", [])), "permissions")
    refuse_unless(set(manifest.get("apis", {})) == {"smartHome"}, "apis")
    smart_home = manifest["apis"]["smartHome"]
    refuse_unless(smart_home.get("protocolVersion") == "3", "protocolVersion")
    regions = smart_home.get("regions", {})
    refuse_unless(set(regions) <= set(AWS_REGIONS), "regions")
    refuse_unless(("endpoint" in smart_home) == bool(regions), "the endpoint must be one of the regions")
    if regions:
        uris = [entry["endpoint"]["uri"] for entry in regions.values()]
        refuse_unless(smart_home["endpoint"]["uri"] in uris, "the endpoint must be one of the regions")
    published = manifest.get("publishingInformation", {})
    refuse_unless(published.get("category") == "SMART_HOME", "category")
    refuse_unless(published.get("locales"), "locales")
    for locale, texts in published["locales"].items():
        refuse_unless(re.fullmatch("[a-z]{2}-[A-Z]{2}", locale), f"locale {locale}")
        refuse_unless(all(texts.get(key) for key in ("name", "summary", "description")), f"texts of {locale}")
        refuse_unless(2 <= len(texts["name"]) <= 50 and len(texts["summary"]) <= 160, f"lengths of {locale}")
        phrases = texts.get("examplePhrases")
        refuse_unless(isinstance(phrases, list) and 1 <= len(phrases) <= 3, f"example phrases of {locale}")
    privacy = manifest.get("privacyAndCompliance", {})
    for key in ("allowsPurchases", "usesPersonalInfo", "isChildDirected", "isExportCompliant", "containsAds"):
        refuse_unless(isinstance(privacy.get(key), bool), key)


def _with_defaults(manifest: Json) -> Json:
    """The manifest as Amazon may give it back: with fields that nobody asked for, and without empty ones."""
    shown = copy.deepcopy(manifest)
    for texts in shown["publishingInformation"]["locales"].values():
        if not texts.get("keywords"):
            texts.pop("keywords", None)
    shown["publishingInformation"].setdefault("distributionMode", "PUBLIC")
    shown["apis"]["smartHome"].setdefault("supportedControls", [])
    return shown


def _summary(skill: Skill) -> Json:
    manifest = skill.manifest or skill.pending or {}
    locales = manifest["publishingInformation"]["locales"]
    return {
        "skillId": skill.skill_id,
        "stage": "development",
        "apis": ["smartHome"],
        "publicationStatus": "DEVELOPMENT",
        "nameByLocale": {locale: texts["name"] for locale, texts in locales.items()},
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end: nothing outlives the simulator

    def __init__(self, address: tuple[str, int], smapi: Smapi) -> None:
        super().__init__(address, _Handler)
        self.smapi = smapi
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):  # a client that gave up leaves so
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5  # seconds of silence from a client

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server.smapi.handle(self.command, self.path, self.headers, body)
        if reply is None:
            return
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if content:
            self.send_header("Content-Type", "application/json")
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815  (the base class's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Nothing: `Smapi.requests` is the log."""
