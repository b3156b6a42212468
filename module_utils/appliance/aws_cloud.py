"""AWS through boto3: reads, changes that check mode leaves out, and errors in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ansible.module_utils.appliance import aws_rules as rules
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

Json = dict[str, Any]

_ABSENT = ("ResourceNotFoundException", "NoSuchEntity", "ResourceNotFound")
_LONGEST_QUOTE = 300  # characters of AWS's own words


class AwsError(Exception):
    """AWS did not do it; the message says what, and how to mend it. `code` is AWS's name for the error."""

    def __init__(self, message: str, code: str = "") -> None:
        """Keep what the owner reads, and AWS's name for it."""
        super().__init__(message)
        self.code = code


class AwsCloud:
    """One run. `actions` tells what was changed, or would be in check mode.

    Args:
        endpoint_url: of an AWS that is not Amazon's; empty for the real one.
        check: change nothing.
        pause: seconds between two looks at something that takes time.
    """

    def __init__(self, endpoint_url: str, *, check: bool, pause: float = 2) -> None:
        """Contact nobody yet; credentials are looked for where boto3 looks for them."""
        self._endpoint_url = endpoint_url or None
        self._session = Session()
        self._clients: dict[tuple[str, str], Any] = {}
        self.check = check
        self.pause = pause
        self.actions: list[str] = []

    def account(self) -> str:
        """The number of the AWS account."""
        answer = self.read("sts", "us-east-1", "get_caller_identity")
        return str((answer or {})["Account"])

    def read(self, service: str, region: str, operation: str, **parameters: Any) -> Json | None:
        """The answer to a question; None when there is no such thing. Raises AwsError."""
        try:
            return self.call(service, region, operation, **parameters)
        except AwsError as error:
            if error.code in _ABSENT:
                return None
            raise

    def change(self, action: str, service: str, region: str, operation: str, **parameters: Any) -> Json | None:
        """Note an action and do it; None in check mode, or when what shall go has gone already. Raises AwsError."""
        self.actions.append(action)
        if self.check:
            return None
        if operation.startswith(("delete_", "remove_")):
            return self.read(service, region, operation, **parameters)
        return self.call(service, region, operation, **parameters)

    def wait(self, is_done: Callable[[], bool], what: str, patience: float = 120) -> None:
        """Look again and again until something is done; raises AwsError when it takes too long."""
        if self.check:
            return
        end = time.monotonic() + patience
        while not is_done():
            if time.monotonic() > end:
                raise AwsError(f"{what} is still not ready after {patience:.0f} s; run again, which goes on from here")
            time.sleep(self.pause)

    def refuse_foreign(self, tags: object, name: str, what: str) -> None:
        """Raise AwsError when something has our name and not our mark."""
        if not rules.is_ours(tags, name):
            raise AwsError(
                f"There is {what} already, made by something else; set lambda_name to a name of its own, or delete it"
            )

    def call(self, service: str, region: str, operation: str, **parameters: Any) -> Json:
        """The answer to any request; raises AwsError."""
        action = f"{service}:{''.join(part.capitalize() for part in operation.split('_'))}"
        try:
            answer: Json = getattr(self._client(service, region), operation)(**parameters)
        except ClientError as error:
            told = error.response.get("Error", {})
            code, words = str(told.get("Code", "")), " ".join(str(told.get("Message", "")).split())
            said = f"{code}: {words[:_LONGEST_QUOTE]}"
            raise AwsError(f"AWS refused {action} in {region} ({said}); {rules.mend(code, action)}", code) from None
        except NoCredentialsError:
            raise AwsError(f"This machine has no credentials for AWS; {rules.no_credentials()}") from None
        except EndpointConnectionError:
            raise AwsError(f"AWS cannot be reached for {action} in {region}; look at this machine's network") from None
        except BotoCoreError as error:
            raise AwsError(f"{action} in {region} could not be asked ({type(error).__name__}); run again") from None
        return answer

    def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._clients:
            config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
            try:
                self._clients[service, region] = self._session.client(
                    service, region_name=region, endpoint_url=self._endpoint_url, config=config
                )
            except BotoCoreError as error:
                raise AwsError(f"AWS cannot be used: {error}; {rules.no_credentials()}") from None
        return self._clients[service, region]
