"""The skill's side, asked with the appliance's own access key: its store, and its function (docs/design.md)."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from alexa_ip_cam.alexa.store import Store, StoreError

ALIAS = "live"
_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 15


class Access(NamedTuple):
    """What `skill.yml` handed over; `regions` are those in which the function is."""

    table: str
    region: str
    site: str
    key_id: str
    secret: str
    regions: tuple[str, ...]
    endpoint_url: str | None


class Answer(NamedTuple):
    """The function's answer, or AWS's error: its code, empty without one; `raised`: the function itself failed."""

    content: Mapping[str, Any] | None
    code: str = ""
    raised: str = ""


def access(document: Mapping[str, Any]) -> Access:
    """Read `events-store.json`.

    Raises:
        ValueError: something is missing.
    """
    try:
        return Access(
            table=str(document["table"]),
            region=str(document["region"]),
            site=str(document["site"]),
            key_id=str(document["access_key_id"]),
            secret=str(document["secret_access_key"]),
            regions=tuple(str(one) for one in document.get("regions", [])),
            endpoint_url=document.get("endpoint_url"),
        )
    except KeyError as missing:
        raise ValueError(f"events-store.json has no {missing}") from None


def has_grant(given: Access) -> bool:
    """Whether a household has linked the skill. Raises StoreError."""
    key = given.key_id, given.secret
    store = Store(
        given.table, given.site, region=given.region, endpoint_url=given.endpoint_url, access_key=key, timeout=5
    )
    return store.grant() is not None


def ask(given: Access, region: str, question: Mapping[str, Any]) -> Answer:
    """Invoke the function as Alexa does, with what is no directive."""
    # Heavy, and only needed where a skill is.
    from boto3.session import Session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    config = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_ANSWER_SECONDS, retries={"total_max_attempts": 1})
    session = Session(aws_access_key_id=given.key_id, aws_secret_access_key=given.secret, region_name=region)
    try:
        client = session.client("lambda", endpoint_url=given.endpoint_url, config=config)
        told = client.invoke(FunctionName=given.table, Qualifier=ALIAS, Payload=json.dumps(question).encode())
        content = json.loads(told["Payload"].read())
    except ClientError as error:
        return Answer(None, code=str(error.response.get("Error", {}).get("Code", "error")))
    except (BotoCoreError, ValueError) as error:
        return Answer(None, code=type(error).__name__)
    if told.get("FunctionError") or not isinstance(content, dict):
        kind = content.get("errorType", "") if isinstance(content, dict) else type(content).__name__
        return Answer(None, raised=str(kind) or "an error without a name")
    return Answer(content)


__all__ = ["Access", "Answer", "StoreError", "access", "ask", "has_grant"]
