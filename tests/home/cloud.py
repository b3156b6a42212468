"""Amazon and AWS for demo and tests, simulated, and the owner's dealings with them."""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError

from alexa_ip_cam import lambda_zip
from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.deploy import private_file, skill_zip
from alexa_ip_cam.login import Amazon, log_in
from home import playbook
from home.inventory import LWA_CLIENT_ID, OWNER, Inventory
from simulators.amazon.alexa import Alexa, Message
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws
from simulators.amazon.event_gateway import EventGateway
from simulators.amazon.lambda_runtime import LambdaRuntime
from simulators.amazon.lwa import Lwa
from simulators.amazon.smapi import EVENTS, Skill, Smapi

PROFILE = lwa.Client(LWA_CLIENT_ID, "secret-of-the-security-profile")
NAME = "alexa-ip-cam"
LOCALE = "en-GB"  # whose function runs in the region that the simulated runtime is in
REGION_KEY = "EU"  # Alexa's name for that region
_SKILL = "the skill"


class Cloud:
    """A context manager; everything it started is gone at its end.

    Args:
        directory: the inventory's, where the log-in is kept and the deployment keeps what it has to.
        host: the address that the simulators listen on; appliances must reach it.
    """

    def __init__(self, directory: Path, *, host: str = "127.0.0.1") -> None:
        """Nothing is started before ``__enter__``."""
        self.directory = directory
        self.host = host
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start Amazon and AWS; the owner has an account at both, and nothing else yet."""
        with contextlib.ExitStack() as stack:
            self.aws = stack.enter_context(Aws(self.host))
            self.lwa = stack.enter_context(Lwa(self.host))
            self.smapi = stack.enter_context(Smapi(self.lwa, self._may_call, host=self.host))
            self.lwa.add_client(*PROFILE)
            self.events = stack.enter_context(EventGateway(self._sender, _SKILL, host=self.host))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self._stack.close()

    @property
    def environment(self) -> dict[str, str]:
        """What the owner has exported: credentials for AWS."""
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY[0], "AWS_SECRET_ACCESS_KEY": ACCESS_KEY[1]}

    def inventory_variables(self) -> dict[str, Any]:
        """What the inventory needs besides cameras and names."""
        return {
            "skill_enabled": True,
            "skill_locales": [LOCALE],
            "lambda_smapi_url": self.smapi.url,
            "lambda_lwa_url": self.lwa.url,
            "lambda_aws_url": self.aws.url,
            "lambda_pause": 0.05,
            "lambda_settle_seconds": 0,
            "events_lwa_url": self.lwa.url,
            "events_gateways": {REGION_KEY: self.events.url},
        }

    def log_in(self) -> None:
        """The owner's one log-in, with a browser that consents to everything."""
        self.directory.mkdir(parents=True, exist_ok=True)
        amazon = Amazon(consent_url="https://www.amazon.com/ap/oa", lwa_url=self.lwa.url, port=0)
        log_in(PROFILE, self.directory / private_file.LOGIN, amazon=amazon, show=self._consent, patience=10)

    def deploy(self, inventory: Inventory, *arguments: str) -> playbook.Recap:
        """Run ``playbooks/skill.yml`` as the owner does, but for handing the access key to the appliance."""
        inventory.write()
        book = "playbooks/skill.yml"
        return playbook.run(
            inventory.directory, "--tags", "lambda", *arguments, playbook=book, environment=self.environment
        )

    def deployed_settings(self, homes: list[dict[str, Any]]) -> dict[str, Any]:
        """The skill's settings for homes given with all their variables, as the deployment makes them."""
        kept = private_file.read(self.directory / private_file.SKILL)
        keys = {home["appliance_streams_name"]: home["appliance_signing_key"] for home in homes}
        login = private_file.read(self.directory / private_file.LOGIN)
        return skill_zip.settings(
            skill_zip.whole_homes(homes, keys, login),
            table=NAME,
            region=REGION,
            messaging=kept["messaging"],
            lwa_url=self.lwa.url,
            store_url=self.aws.url,
        )

    def code_hash(self) -> str:
        """Hash of the code that is live at AWS, as AWS tells it."""
        function = self.aws.client("lambda", REGION)
        told = function.get_function_configuration(FunctionName=NAME, Qualifier="live")
        return str(told["CodeSha256"])

    @contextlib.contextmanager
    def function(self, homes: list[dict[str, Any]]) -> Iterator[LambdaRuntime]:
        """The function that is live at AWS, run by the real runtime client.

        AWS gives the zip back to nobody here, so that it is built once more; it has to be the same one byte for byte.
        """
        with tempfile.TemporaryDirectory(prefix="deployed-") as folder:
            archive = Path(folder, "deployed.zip")
            built = lambda_zip.build(self.deployed_settings(homes), archive)
            live = base64.b64decode(self.code_hash()).hex()
            if built != live:
                raise AssertionError(f"another zip is deployed: its SHA-256 is {live}, and not {built}")
            with LambdaRuntime(archive) as runtime:
                yield runtime

    def link(self, invoke: Callable[[Message], Message], user_id: str = OWNER) -> Alexa:
        """Enable the skill in the Alexa app and link an account; gives the Alexa of that account.

        Alexa knows the security profile and the permission from what was deployed, and tells the skill of the grant.
        """
        skill = self.skill()
        if skill.linking is None or skill.linking["accessTokenUrl"] != f"{self.lwa.url}/auth/o2/token":
            raise AssertionError("account linking is not set, so that no account can be linked")
        if {"name": EVENTS} not in (skill.manifest or {}).get("permissions", []):
            raise AssertionError("the skill may not send events, so that there is no grant")
        skill.enabled = True
        alexa = Alexa(invoke, self.lwa.new_bearer(skill.linking["clientId"], user_id))
        alexa.accept_grant(self.lwa.new_code(skill.client[0], user_id))
        return alexa

    def skill(self) -> Skill:
        """The skill at Amazon."""
        return self.smapi.only_skill()

    def _sender(self, token: str) -> str | None:
        """Who an access token for events is for; the skill's own client is only known once the skill is made."""
        return _SKILL if self.lwa.is_valid_access(token) == self.skill().client[0] else None

    def _may_call(self, arn: str, skill_id: str) -> bool:
        region, name, alias = arn.split(":")[3], *arn.split(":")[6:8]
        try:
            told = self.aws.client("lambda", region).get_policy(FunctionName=name, Qualifier=alias)
        except ClientError:
            return False
        return any(
            statement["Principal"] == {"Service": "alexa-connectedhome.amazon.com"}
            and statement["Condition"]["StringEquals"]["lambda:EventSourceToken"] == skill_id
            and statement["Resource"].endswith(f":{alias}")
            for statement in json.loads(told["Policy"])["Statement"]
        )

    def _consent(self, address: str) -> None:
        """Amazon's consent page, clicked on."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        code = self.lwa.new_code(query["client_id"], OWNER, redirect_uri=query["redirect_uri"])
        answer = urllib.parse.urlencode({"code": code, "state": query["state"], "scope": query["scope"]})
        browser = threading.Thread(target=self._browse, args=(f"{query['redirect_uri']}?{answer}",))
        browser.start()
        self._stack.callback(browser.join)

    @staticmethod
    def _browse(address: str) -> None:
        with urllib.request.urlopen(address, timeout=10) as page:  # noqa: S310  (loopback)
            page.read()
