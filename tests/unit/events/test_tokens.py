"""Tokens over crashes, dead grants, wrong clocks and everybody who does not answer."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alexa_ip_cam.alexa.lwa import Tokens as LwaTokens
from alexa_ip_cam.alexa.lwa import exchange_code
from alexa_ip_cam.alexa.store import Grant, GrantChangedError, StoreError
from alexa_ip_cam.events.tokens import Access, NoTokenError, Tokens
from simulators.amazon.lwa import TOKEN, Lwa, Reply
from unit.events.conftest import CLIENT


class Clock:
    """A clock on the wall and one that nobody sets."""

    def __init__(self) -> None:
        self.wall = time.time()
        self.monotonic = 1000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


class MemoryStore:
    """The skill's store; `down` and `refusing` make it fail."""

    def __init__(self) -> None:
        self.kept: Grant | None = None
        self.down = self.refusing = False
        self.crash: BaseException | None = None

    def grant(self) -> Grant | None:
        if self.down:
            raise StoreError("down")
        return self.kept

    def replace_tokens(self, grant: Grant, tokens: LwaTokens) -> Grant:
        if self.down or self.refusing:
            raise StoreError("down")
        if self.kept is None or self.kept.version != grant.version:
            raise GrantChangedError("changed")
        self.kept = grant._replace(version=grant.version + 1, tokens=tokens)
        if self.crash is not None:
            raise self.crash
        return self.kept


class House:
    """One appliance's tokens, which can be killed and started anew."""

    def __init__(self, folder: Path, lwa: Lwa) -> None:
        self.path = folder / "tokens.json"
        self.lwa = lwa
        self.store = MemoryStore()
        self.clock = Clock()

    def start(self) -> Tokens:
        return Tokens(
            self.path,
            self.store,
            url=self.lwa.url,
            clock=lambda: self.clock.wall,
            monotonic=lambda: self.clock.monotonic,
        )

    def link(self, user: str = "a family", *, region: str = "EU") -> None:
        tokens = exchange_code(self.lwa.new_code(CLIENT.client_id, user), CLIENT, url=self.lwa.url)
        tokens = tokens._replace(expires_at=self.clock.wall + 3600)
        version = self.store.kept.version + 1 if self.store.kept is not None else 1
        self.store.kept = Grant(version, tokens, CLIENT, region, self.clock.wall)  # type: ignore[arg-type]

    def is_good(self, access: Access) -> bool:
        return self.lwa.is_valid_access(access.token) == CLIENT.client_id

    @property
    def renewals(self) -> int:
        return sum(one.fields.get("grant_type") == "refresh_token" for one in self.lwa.requests)


@pytest.fixture
def house(tmp_path: Path, lwa: Lwa) -> House:
    return House(tmp_path, lwa)


def test_the_grant_is_picked_up_by_itself_and_kept_where_nobody_else_reads(house: House) -> None:
    tokens = house.start()
    with pytest.raises(NoTokenError, match="link") as none:
        tokens.access()
    assert none.value.relink
    assert not tokens.linked
    house.link(region="FE")
    access = tokens.access()
    assert house.is_good(access)
    assert access.region == "FE"
    assert tokens.linked
    assert house.path.stat().st_mode & 0o777 == 0o600
    assert house.renewals == 0
    house.store.down = True
    assert house.start().access() == access, "after a start the file is enough"


def test_it_is_renewed_five_minutes_early_and_in_all_places(house: House) -> None:
    house.link()
    tokens = house.start()
    first = tokens.access()
    house.clock.pass_by(3600 - 301)
    assert tokens.access() == first
    house.clock.pass_by(2)
    second = tokens.access()
    assert second != first
    assert house.is_good(second)
    assert house.store.kept is not None
    assert house.store.kept.version == 2
    assert house.store.kept.tokens.access_token == second.token
    assert json.loads(house.path.read_text())["access_token"] == second.token
    assert house.renewals == 1
    house.clock.pass_by(3000)
    assert tokens.access() == second


def test_many_ask_and_one_renews(house: House) -> None:
    house.link()
    tokens = house.start()
    tokens.access()
    house.clock.pass_by(3500)
    given: list[Access] = []
    threads = [threading.Thread(target=lambda: given.append(tokens.access())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 8
    assert len(set(given)) == 1
    assert house.renewals == 1


def test_a_crash_before_the_store_got_the_new_token(house: House) -> None:
    """Twice rotated with a crash between: Amazon has ended the first refresh token, the store still has it."""
    house.link()
    house.start().access()
    house.store.refusing = True
    house.clock.pass_by(3500)
    renewed = house.start().access()
    assert house.is_good(renewed), "what is on disk may be used, the store follows"
    # Here the power goes.
    house.store.refusing = False
    again = house.start()
    assert again.access() == renewed
    assert house.store.kept is not None
    assert house.store.kept.tokens.access_token == renewed.token
    house.clock.pass_by(3500)
    assert house.is_good(again.access())
    assert house.store.kept.version == 3


def test_a_crash_after_the_store_got_the_new_token_and_before_that_was_noted(house: House) -> None:
    house.link()
    house.start().access()
    house.clock.pass_by(3500)
    house.store.crash = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        house.start().access()
    house.store.crash = None
    again = house.start()
    access = again.access()
    assert house.is_good(access)
    assert house.renewals == 1
    house.clock.pass_by(3500)
    assert house.is_good(again.access())


def test_a_crash_before_anything_was_kept_needs_a_new_link(house: House) -> None:
    """Between Amazon's answer and the disk nobody can help; it has to be said, and mended by linking again."""
    house.link()
    house.start().access()
    assert house.store.kept is not None
    exchanged = house.store.kept.tokens.refresh_token
    house.clock.pass_by(3500)
    from alexa_ip_cam.alexa.lwa import refresh  # noqa: PLC0415

    refresh(exchanged, CLIENT, url=house.lwa.url)
    tokens = house.start()
    for _ in range(2):
        with pytest.raises(NoTokenError, match="link the skill again") as dead:
            tokens.access()
        assert dead.value.relink
    assert not tokens.look_for_grant()
    asked = house.renewals
    with pytest.raises(NoTokenError, match="link the skill again"):
        house.start().access()
    assert house.renewals == asked, "a dead grant is not asked for again after a start"
    house.link()
    assert tokens.look_for_grant()
    assert house.is_good(tokens.access())


def test_a_full_disk_keeps_a_token_from_being_used_only_when_the_store_has_not_got_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.link()
    tokens = house.start()
    tokens.access()
    full = True

    def replace(path: Path, data: bytes, *, mode: int, durable: bool) -> None:
        assert durable
        assert mode == 0o600
        if full:
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr("alexa_ip_cam.events.tokens.replace_file", replace)
    house.clock.pass_by(3500)
    house.store.refusing = True
    with pytest.raises(NoTokenError, match="cannot be kept"):
        tokens.access()
    house.store.refusing = False
    house.clock.pass_by(60)
    assert house.is_good(tokens.access()), "the store has it"
    full = False
    access = tokens.access()
    assert house.renewals == 1
    assert json.loads(house.path.read_text())["access_token"] == access.token


def test_another_family_member_links_meanwhile(house: House) -> None:
    """The renewal finds another version in the store: what the skill put there is newer and counts."""
    house.link()
    tokens = house.start()
    tokens.access()
    house.link("another")
    assert house.store.kept is not None
    theirs = house.store.kept.tokens.access_token
    house.clock.pass_by(3301)
    access = tokens.access()
    house.clock.pass_by(40)
    assert house.is_good(access)
    assert house.store.kept.granted_at == json.loads(house.path.read_text())["granted_at"]
    assert access.token != theirs, "it was about to end as well"


def test_a_revoked_grant_with_a_newer_one_in_the_store(house: House) -> None:
    house.link()
    tokens = house.start()
    tokens.access()
    house.lwa.revoke("a family")
    house.link()
    house.clock.pass_by(3500)
    assert house.is_good(tokens.access())


def test_a_token_endpoint_that_is_down_for_an_hour(house: House) -> None:
    house.link()
    tokens = house.start()
    first = tokens.access()
    house.clock.pass_by(3400)
    house.lwa.fail(TOKEN, Reply(503))
    assert tokens.access() == first, "it is good for three minutes yet"
    house.clock.pass_by(200)
    for asked in range(1, 113):
        house.lwa.fail(TOKEN, Reply(503))
        for _ in range(4):
            with pytest.raises(NoTokenError) as down:
                tokens.access()
            assert not down.value.relink
            house.clock.pass_by(8)
        assert house.renewals == asked + 1, "nobody is asked every time"
    assert house.is_good(tokens.access())


@pytest.mark.parametrize("off", [-50 * 365 * 86_400, -86_400, 86_400, 10 * 365 * 86_400])
def test_a_clock_that_is_wrong_at_the_start_and_put_right_later(house: House, off: float) -> None:
    house.link()
    house.clock.wall += off
    tokens = house.start()
    assert house.is_good(tokens.access())
    house.clock.pass_by(1000)
    house.clock.wall -= off
    assert house.is_good(tokens.access())
    assert house.renewals <= 1
    house.clock.pass_by(3500)
    assert house.is_good(tokens.access())
    assert house.renewals <= 2
    assert house.is_good(house.start().access())


def test_a_refused_token_is_renewed_once_and_not_for_ever(house: House) -> None:
    house.link()
    tokens = house.start()
    first = tokens.access()
    assert tokens.refused(first.token)
    second = tokens.access()
    assert second != first
    assert tokens.refused(first.token), "somebody else has seen to it already"
    assert not tokens.refused(second.token), "it is new and refused: renewing does not help"
    assert tokens.access() == second
    house.clock.pass_by(301)
    assert tokens.refused(second.token)
    assert tokens.access() != second
    assert house.renewals == 2


def test_a_refused_token_is_not_used_while_amazon_does_not_answer(house: House) -> None:
    house.link()
    tokens = house.start()
    first = tokens.access()
    assert tokens.refused(first.token)
    house.lwa.fail(TOKEN, Reply(500))
    with pytest.raises(NoTokenError) as down:
        tokens.access()
    assert not down.value.relink
    house.clock.pass_by(31)
    assert house.is_good(tokens.access())


def test_wrong_credentials_are_told_and_mended_by_a_new_grant(house: House) -> None:
    house.link()
    assert house.store.kept is not None
    house.store.kept = house.store.kept._replace(client=CLIENT._replace(client_secret="of yesterday"))
    tokens = house.start()
    tokens.access()
    house.clock.pass_by(3500)
    with pytest.raises(NoTokenError, match="deploy the skill again") as wrong:
        tokens.access()
    assert "of yesterday" not in str(wrong.value)
    house.link()
    assert house.is_good(tokens.access())


def test_a_store_that_is_down_at_the_very_start(house: House) -> None:
    house.link()
    house.store.down = True
    tokens = house.start()
    with pytest.raises(NoTokenError, match="store") as down:
        tokens.access()
    assert not down.value.relink
    house.store.down = False
    assert house.is_good(tokens.access())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b"\xff\xfe"])
def test_a_damaged_file_is_made_anew_from_the_store(house: House, content: bytes) -> None:
    house.link()
    house.path.write_bytes(content)
    assert house.is_good(house.start().access())
    assert json.loads(house.path.read_text())["version"] == 1


def test_a_table_that_was_made_anew_counts_from_one(house: House) -> None:
    for _ in range(3):
        house.link()
    tokens = house.start()
    tokens.access()
    house.store.kept = None
    house.clock.pass_by(100)
    house.link("the same family again")
    assert house.store.kept is not None
    assert house.store.kept.version == 1
    assert tokens.look_for_grant()
    assert tokens.access().token == house.store.kept.tokens.access_token


def test_nothing_secret_is_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    house.link()
    tokens = house.start()
    tokens.access()
    house.store.refusing = True
    house.clock.pass_by(3500)
    tokens.access()
    house.lwa.revoke("a family")
    house.clock.pass_by(3500)
    with pytest.raises(NoTokenError):
        tokens.access()
    assert caplog.records
    assert "Atz" not in caplog.text
    assert CLIENT.client_secret not in caplog.text


@pytest.fixture(autouse=True)
def _one_lwa(lwa: Lwa) -> Iterator[None]:
    yield
    assert all(one.path == TOKEN for one in lwa.requests)
