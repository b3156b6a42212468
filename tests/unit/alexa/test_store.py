"""The items in DynamoDB, against a server that speaks its protocol."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from alexa_ip_cam.alexa.lwa import Client, Tokens
from alexa_ip_cam.alexa.store import GrantChangedError, Sample, State, Store, StoreError
from simulators.amazon.aws import ACCESS_KEY, REGION, Aws

TOKENS = Tokens("Atza|first", "Atzr|first", 1_800_000_000.7)
CLIENT = Client("amzn1.application-oa2-client.messaging", "hush hush")
NOON = datetime(2026, 11, 22, 12, 0, 0, 123_456, UTC)


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as server:
        yield server


@pytest.fixture
def table(aws: Aws) -> str:
    name = f"table-{secrets.token_hex(6)}"
    aws.make_table(name)
    return name


@pytest.fixture
def store(aws: Aws, table: str) -> Store:
    return open_store(aws, table)


def open_store(aws: Aws, table: str, site: str = "cams.example.com") -> Store:
    return Store(table, site, region=REGION, endpoint_url=aws.url, access_key=ACCESS_KEY)


def test_a_site_without_a_grant_says_so(store: Store) -> None:
    assert store.grant() is None


def test_a_grant_is_read_back_as_it_was_stored(store: Store) -> None:
    stored = store.put_grant(TOKENS, CLIENT, "EU", granted_at=1_700_000_000.9)
    assert stored.version == 1
    assert stored.tokens == TOKENS._replace(expires_at=1_800_000_000)
    assert (stored.client, stored.region, stored.granted_at) == (CLIENT, "EU", 1_700_000_000)
    assert store.grant() == stored


def test_a_second_grant_replaces_the_first(store: Store) -> None:
    first = store.put_grant(TOKENS, CLIENT, "EU")
    second = store.put_grant(TOKENS._replace(access_token="Atza|second"), CLIENT._replace(client_id="other"), "NA")
    assert second.version == first.version + 1
    assert store.grant() == second
    with pytest.raises(GrantChangedError):
        store.replace_tokens(first, TOKENS)
    assert store.grant() == second


def test_refreshed_tokens_take_the_place_of_those_before(store: Store) -> None:
    first = store.put_grant(TOKENS, CLIENT, "FE")
    second = store.replace_tokens(first, Tokens("Atza|new", "Atzr|new", 1_900_000_000))
    assert second == first._replace(version=2, tokens=Tokens("Atza|new", "Atzr|new", 1_900_000_000))
    assert store.grant() == second


def test_tokens_without_a_grant_are_not_stored(aws: Aws, table: str, store: Store) -> None:
    grant = store.put_grant(TOKENS, CLIENT, "EU")
    other = open_store(aws, table, "other.example.com")
    with pytest.raises(GrantChangedError):
        other.replace_tokens(grant, TOKENS)
    assert other.grant() is None


# That each single write is one step is DynamoDB's own promise; here they come in the order that hurts.
def test_of_writers_who_read_the_same_one_wins_and_nothing_is_lost(aws: Aws, table: str, store: Store) -> None:
    store.put_grant(TOKENS, CLIENT, "EU")
    stores = [open_store(aws, table) for _ in range(3)]
    read = [one.grant() for one in stores]
    won = stores[1].replace_tokens(read[1] or pytest.fail("no grant"), Tokens("Atza|won", "Atzr|won", 1))
    for number in (0, 2):
        with pytest.raises(GrantChangedError):
            stores[number].replace_tokens(read[number] or pytest.fail("no grant"), Tokens("Atza|x", "Atzr|x", 2))
    assert store.grant() == won
    # Who has lost reads what won, and goes on with that.
    again = stores[0].grant()
    assert again is not None
    assert stores[0].replace_tokens(again, Tokens("Atza|next", "Atzr|next", 3)).version == won.version + 1


def test_a_grant_between_reading_and_refreshing_is_not_overwritten(aws: Aws, table: str, store: Store) -> None:
    before = store.put_grant(TOKENS, CLIENT, "EU")
    newest = open_store(aws, table).put_grant(TOKENS._replace(refresh_token="Atzr|relinked"), CLIENT, "EU")
    with pytest.raises(GrantChangedError):
        store.replace_tokens(before, Tokens("Atza|late", "Atzr|late", 1))
    assert store.grant() == newest


def test_a_camera_of_which_nothing_was_reported(store: Store) -> None:
    assert store.state("front-porch") == State(None, None)
    assert store.states() == {}


def test_each_aspect_of_a_camera_is_reported_by_itself(store: Store) -> None:
    assert store.put_state("front-porch", "detection", Sample("DETECTED", NOON))
    moment = NOON.replace(microsecond=123_000)
    assert store.state("front-porch") == State(Sample("DETECTED", moment), None)
    zone = timezone(timedelta(hours=1))
    assert store.put_state("front-porch", "connectivity", Sample("OK", (NOON + timedelta(hours=1)).astimezone(zone)))
    assert store.put_state("den", "connectivity", Sample("UNREACHABLE", NOON))
    assert store.states() == {
        "front-porch": State(Sample("DETECTED", moment), Sample("OK", moment + timedelta(hours=1))),
        "den": State(None, Sample("UNREACHABLE", moment)),
    }


def test_a_report_that_comes_late_changes_nothing(store: Store) -> None:
    store.put_state("den", "detection", Sample("NOT_DETECTED", NOON))
    assert not store.put_state("den", "detection", Sample("DETECTED", NOON - timedelta(milliseconds=1)))
    assert store.put_state("den", "detection", Sample("NOT_DETECTED", NOON))  # told twice
    assert store.put_state("den", "connectivity", Sample("OK", NOON - timedelta(days=1)))  # its own time counts
    assert store.state("den").detection == Sample("NOT_DETECTED", NOON.replace(microsecond=123_000))


def test_more_deleted_recordings_than_one_request_takes(store: Store) -> None:
    ids = [f"den_20261122T100000123Z_{number}_motion_0" for number in range(130)]
    for one in ids[::2]:
        store.put_deleted(one, 1_900_000_000)
    assert store.deleted(ids + ids) == set(ids[::2])
    assert store.deleted([]) == set()


def test_what_stays_unanswered_in_a_batch_is_asked_for_again_and_not_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_deleted("one", 1_900_000_000)
    store.put_deleted("two", 1_900_000_000)
    whole = store._dynamodb.batch_get_item
    asked: list[int] = []

    def half(**parameters: object) -> dict[str, object]:
        ((table, wanted),) = parameters["RequestItems"].items()  # type: ignore[attr-defined]
        asked.append(len(wanted["Keys"]))
        answer: dict[str, object] = whole(RequestItems={table: {"Keys": wanted["Keys"][:1]}})
        rest = {table: {"Keys": wanted["Keys"][1:]}} if len(wanted["Keys"]) > 1 else {}
        return {**answer, "UnprocessedKeys": rest}

    monkeypatch.setattr(store._dynamodb, "batch_get_item", half)
    assert store.deleted(["one", "two", "three"]) == {"one", "two"}
    assert asked == [3, 2, 1]
    with pytest.raises(StoreError, match="leaves out"):
        store.deleted([str(number) for number in range(50)])


def test_sites_see_nothing_of_each_other(aws: Aws, table: str) -> None:
    mine, theirs = open_store(aws, table), open_store(aws, table, "cams.example.net")
    mine.put_grant(TOKENS, CLIENT, "EU")
    mine.put_state("den", "detection", Sample("DETECTED", NOON))
    mine.put_deleted("one", 1_900_000_000)
    assert theirs.grant() is None
    assert theirs.states() == {}
    assert theirs.deleted(["one"]) == set()


def test_a_failure_says_which_and_quotes_nothing(aws: Aws) -> None:
    store = open_store(aws, "no-such-table")
    for call in (
        store.grant,
        store.states,
        lambda: store.put_grant(TOKENS, CLIENT, "EU"),
        lambda: store.deleted(["a"]),
    ):
        with pytest.raises(StoreError, match="ResourceNotFoundException") as problem:
            call()
        assert CLIENT.client_secret not in str(problem.value)
    nowhere = Store("t", "s", region=REGION, endpoint_url="http://127.0.0.1:1", access_key=ACCESS_KEY, timeout=1)
    with pytest.raises(StoreError, match="EndpointConnectionError"):
        nowhere.grant()


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Store("t", "s", region=REGION, endpoint_url="nonsense", access_key=ACCESS_KEY)


@pytest.mark.parametrize(
    "damage", [{"version": {"S": "x"}}, {"expires_at": {"S": "soon"}}, {"access_token": {"N": "1"}}, None]
)
def test_a_damaged_item_is_an_error_with_the_mend(
    aws: Aws, table: str, store: Store, damage: dict[str, dict[str, str]] | None
) -> None:
    store.put_grant(TOKENS, CLIENT, "EU")
    key = {"site": {"S": "cams.example.com"}, "item": {"S": "grant"}}
    whole = aws.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    aws.client("dynamodb").put_item(TableName=table, Item={**whole, **damage} if damage else key)
    with pytest.raises(StoreError, match="linking the skill again"):
        store.grant()
    aws.client("dynamodb").put_item(
        TableName=table,
        Item={**key, "item": {"S": "state#den"}, "detection": {"S": "DETECTED"}, "detection_at": {"S": "noon"}},
    )
    with pytest.raises(StoreError, match="damaged"):
        store.state("den")


def test_boto3_is_imported_with_the_first_store_only() -> None:
    program = "import sys, alexa_ip_cam.alexa.store; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
