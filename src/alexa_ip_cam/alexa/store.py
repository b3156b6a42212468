"""One site's items in the DynamoDB table that the skill and the events service share (docs/design.md, "The store").

Needs boto3, which AWS Lambda brings along and Debian packages; it is imported with the first `Store`, because showing
a camera needs none.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, cast

from .lwa import Client, Tokens
from .messages import timestamp

Region = Literal["NA", "EU", "FE"]
"""Alexa's regions, as in a skill's manifest; each has an event gateway of its own."""

Aspect = Literal["detection", "connectivity"]
"""What is reported of a camera: ``DETECTED``, ``NOT_DETECTED``; ``OK``, ``UNREACHABLE``."""

_ASPECTS: tuple[Aspect, ...] = ("detection", "connectivity")
_GRANT, _STATE, _DELETED = "grant", "state#", "deleted#"
_BATCH = 100  # keys of one BatchGetItem
_ROUNDS = 5  # asking again for what DynamoDB left out of a batch

Item = Mapping[str, Mapping[str, Any]]


class StoreError(Exception):
    """DynamoDB did not do what was asked; says which error, and never what was stored."""


class GrantChangedError(StoreError):
    """Somebody else has written the grant since it was read: read it again, theirs is newer."""


class Grant(NamedTuple):
    """A household's permission to send events to its Alexa.

    `client`: the skill's messaging credentials, which refresh the tokens; `granted_at`: Unix seconds; `version`
    counts every change.
    """

    version: int
    tokens: Tokens
    client: Client
    region: Region
    granted_at: float


class Sample(NamedTuple):
    """A reported value, and the aware time at which it was true; its milliseconds are kept."""

    value: str
    at: datetime


class State(NamedTuple):
    """What was last reported of a camera; None where nothing was yet."""

    detection: Sample | None = None
    connectivity: Sample | None = None


class Store:
    """The items of one site. May be used by several threads. Every method may raise `StoreError`.

    Args:
        table: the table's name.
        site: the site's streams name (``cams.example.com``).
        region: the AWS region of the table.
        endpoint_url: of a DynamoDB that is not Amazon's.
        access_key: id and secret; without it boto3 looks in the places it knows, as it should in Lambda.
        timeout: seconds that one attempt may take to connect, and again to answer; there are two attempts.
    """

    def __init__(
        self,
        table: str,
        site: str,
        *,
        region: str,
        endpoint_url: str | None = None,
        access_key: tuple[str, str] | None = None,
        timeout: float = 5,
    ) -> None:
        # A session of its own: boto3's common one may not be used by several threads at once.
        from boto3.session import Session  # noqa: PLC0415  (heavy, and not always needed)
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        self._table, self._site = table, site
        self._client_error: type[Exception] = ClientError
        self._errors: tuple[type[Exception], ...] = (ClientError, BotoCoreError)
        key_id, secret = access_key or (None, None)
        config = Config(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 2})
        try:
            session = Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region)
            self._dynamodb = session.client("dynamodb", endpoint_url=endpoint_url, config=config)
        except (BotoCoreError, ValueError) as problem:
            raise StoreError(f"the store cannot be used: {type(problem).__name__}") from None

    def grant(self) -> Grant | None:
        """The site's grant; None if no household has linked the skill yet."""
        item = self._item(_GRANT)
        if item is None:
            return None
        try:
            return Grant(
                version=int(item["version"]["N"]),
                tokens=Tokens(_text(item, "access_token"), _text(item, "refresh_token"), _number(item, "expires_at")),
                client=Client(_text(item, "client_id"), _text(item, "client_secret")),
                region=cast(Region, _text(item, "region")),
                granted_at=_number(item, "granted_at"),
            )
        except (KeyError, ValueError):
            raise StoreError("the stored grant is damaged; linking the skill again replaces it") from None

    def put_grant(self, tokens: Tokens, client: Client, region: Region, *, granted_at: float | None = None) -> Grant:
        """Replace the site's grant by a new one. Whoever holds the one before finds that it has changed.

        Args:
            tokens: from `lwa.exchange_code`.
            client: the skill's messaging credentials.
            region: where the household's Alexa lives.
            granted_at: Unix seconds; now if not given.
        """
        granted_at = time.time() if granted_at is None else granted_at
        values = {
            ":one": {"N": "1"},
            ":none": {"N": "0"},
            **_token_values(tokens),
            ":client_id": {"S": client.client_id},
            ":client_secret": {"S": client.client_secret},
            ":region": {"S": region},
            ":granted_at": {"N": str(int(granted_at))},
        }
        answer = self._call(
            "update_item",
            Key=self._key(_GRANT),
            # In one step, so that of two grants at once none gets the other's version.
            UpdateExpression="SET #version = if_not_exists(#version, :none) + :one, access_token = :access, "
            "refresh_token = :refresh, expires_at = :expires, client_id = :client_id, client_secret = :client_secret, "
            "#region = :region, granted_at = :granted_at",
            ExpressionAttributeNames={"#version": "version", "#region": "region"},
            ExpressionAttributeValues=values,
            ReturnValues="UPDATED_NEW",
        )
        version = int(answer["Attributes"]["version"]["N"])
        return Grant(version, _stored(tokens), client, region, float(int(granted_at)))

    def replace_tokens(self, grant: Grant, tokens: Tokens) -> Grant:
        """Store refreshed tokens, and return the grant with them.

        Raises:
            GrantChangedError: the grant is no longer the one that was read; nothing was written.
        """
        try:
            self._call(
                "update_item",
                Key=self._key(_GRANT),
                UpdateExpression="SET #version = :next, access_token = :access, refresh_token = :refresh, "
                "expires_at = :expires",
                ConditionExpression="#version = :read",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={
                    ":read": {"N": str(grant.version)},
                    ":next": {"N": str(grant.version + 1)},
                    **_token_values(tokens),
                },
            )
        except _ConditionFailedError:
            raise GrantChangedError("the grant has been changed by somebody else") from None
        return grant._replace(version=grant.version + 1, tokens=_stored(tokens))

    def put_state(self, camera_id: str, aspect: Aspect, sample: Sample) -> bool:
        """Report one aspect of a camera. False if what is there is newer; it then stays.

        Args:
            camera_id: as in the inventory.
            aspect: which of the two.
            sample: the value and its time.
        """
        try:
            self._call(
                "update_item",
                Key=self._key(_STATE + camera_id),
                UpdateExpression="SET #value = :value, #at = :at",
                # All times have one form, so that text is compared.
                ConditionExpression="attribute_not_exists(#at) OR #at <= :at",
                ExpressionAttributeNames={"#value": aspect, "#at": f"{aspect}_at"},
                ExpressionAttributeValues={":value": {"S": sample.value}, ":at": {"S": timestamp(sample.at)}},
            )
        except _ConditionFailedError:
            return False
        return True

    def state(self, camera_id: str) -> State:
        """What was last reported of one camera."""
        return _state(self._item(_STATE + camera_id) or {})

    def states(self) -> dict[str, State]:
        """What was last reported of each camera, by its id."""
        query: dict[str, Any] = {
            "KeyConditionExpression": "site = :site AND begins_with(#item, :state)",
            "ExpressionAttributeNames": {"#item": "item"},
            "ExpressionAttributeValues": {":site": {"S": self._site}, ":state": {"S": _STATE}},
            "ConsistentRead": True,
        }
        states: dict[str, State] = {}
        while True:
            answer = self._call("query", **query)
            for item in answer["Items"]:
                states[item["item"]["S"].removeprefix(_STATE)] = _state(item)
            # A page is a megabyte: thousands of cameras.
            if "LastEvaluatedKey" not in answer:
                return states
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put_deleted(self, media_id: str, expires: float) -> None:
        """Remember that a recording was deleted.

        Args:
            media_id: of the recording.
            expires: Unix seconds from which on nobody asks for it any more.
        """
        self._call("put_item", Item={**self._key(_DELETED + media_id), "expires": {"N": str(int(expires))}})

    def deleted(self, media_ids: Collection[str]) -> set[str]:
        """Which of these recordings were deleted."""
        found: set[str] = set()
        names = sorted(set(media_ids))
        for start in range(0, len(names), _BATCH):
            found.update(self._deleted(names[start : start + _BATCH]))
        return found

    def _deleted(self, media_ids: list[str]) -> Iterator[str]:
        request: dict[str, Any] = {self._table: {"Keys": [self._key(_DELETED + one) for one in media_ids]}}
        for _ in range(_ROUNDS):
            answer = self._call("batch_get_item", with_table=False, RequestItems=request)
            for item in answer["Responses"].get(self._table, []):
                yield item["item"]["S"].removeprefix(_DELETED)
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return
        raise StoreError("DynamoDB leaves out part of what it is asked for")

    def _item(self, name: str) -> Item | None:
        item: Item | None = self._call("get_item", Key=self._key(name), ConsistentRead=True).get("Item")
        return item

    def _key(self, name: str) -> dict[str, dict[str, str]]:
        return {"site": {"S": self._site}, "item": {"S": name}}

    def _call(self, operation: str, *, with_table: bool = True, **parameters: Any) -> dict[str, Any]:
        if with_table:
            parameters["TableName"] = self._table
        try:
            answer: dict[str, Any] = getattr(self._dynamodb, operation)(**parameters)
        except self._errors as problem:
            kind = type(problem).__name__
            if isinstance(problem, self._client_error):
                kind = str(getattr(problem, "response", {}).get("Error", {}).get("Code", kind))
            if kind == "ConditionalCheckFailedException":
                raise _ConditionFailedError from None
            # Not its text: it may quote what was sent.
            raise StoreError(f"DynamoDB's {operation} failed: {kind}") from None
        return answer


class _ConditionFailedError(Exception):
    """What is stored is not as it was expected to be."""


def _token_values(tokens: Tokens) -> dict[str, dict[str, str]]:
    return {
        ":access": {"S": tokens.access_token},
        ":refresh": {"S": tokens.refresh_token},
        ":expires": {"N": str(int(tokens.expires_at))},
    }


def _stored(tokens: Tokens) -> Tokens:
    """As `Store.grant` will give them back: in whole seconds."""
    return tokens._replace(expires_at=float(int(tokens.expires_at)))


def _state(item: Item) -> State:
    return State(**{aspect: _sample(item, aspect) for aspect in _ASPECTS})


def _sample(item: Item, aspect: Aspect) -> Sample | None:
    if aspect not in item or f"{aspect}_at" not in item:
        return None
    try:
        return Sample(_text(item, aspect), datetime.fromisoformat(_text(item, f"{aspect}_at")).astimezone(UTC))
    except (KeyError, ValueError):
        raise StoreError(f"a camera's stored {aspect} is damaged; the next report mends it") from None


def _text(item: Item, name: str) -> str:
    return str(item[name]["S"])


def _number(item: Item, name: str) -> float:
    return float(item[name]["N"])
