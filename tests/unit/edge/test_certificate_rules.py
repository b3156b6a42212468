"""What a certificate on disk is, and where it differs from the wanted one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.module_utils.appliance import certificate_rules as rules
from cryptography.hazmat.primitives.asymmetric import rsa

from unit.edge.conftest import Authority

WANTED = rules.Wanted(frozenset({"cams.example.com", "clips.example.com"}), "rsa", 2048, "ISRG Root X1")
DAY = dt.timedelta(days=1)


@pytest.fixture
def found(tmp_path: Path, authority: Authority, rsa_key: rsa.RSAPrivateKey) -> rules.Certificate:
    certificate = rules.read(authority.issue(tmp_path / "live", key=rsa_key))
    assert certificate is not None
    return certificate


def test_a_right_certificate_has_no_differences(found: rules.Certificate) -> None:
    assert rules.differences(found, WANTED) == []
    assert found.issuers == ("Intermediate", "ISRG Root X1")
    assert rules.overdue(found, dt.datetime.now(dt.UTC)) is None


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"names": frozenset({"cams.example.com"})}, "it is for cams.example.com, clips.example.com and not for cams"),
        ({"key_type": "ecdsa"}, "its key is rsa and not ecdsa"),
        ({"rsa_key_size": 4096}, "its RSA key has 2048 bits and not 4096"),
        ({"preferred_chain": "Root YR"}, "its chain leads to 'ISRG Root X1' and not to 'Root YR'"),
    ],
)
def test_each_difference_is_told(found: rules.Certificate, changed: dict[str, object], sentence: str) -> None:
    (told,) = rules.differences(found, replace(WANTED, **changed))
    assert told.startswith(sentence)


def test_any_chain_will_do_when_none_is_preferred(found: rules.Certificate) -> None:
    assert rules.differences(found, replace(WANTED, preferred_chain="")) == []


def test_the_size_matters_for_rsa_only(tmp_path: Path, authority: Authority) -> None:
    found = rules.read(authority.issue(tmp_path))
    assert found is not None
    assert rules.differences(found, replace(WANTED, key_type="ecdsa", rsa_key_size=4096)) == []


def test_a_key_of_another_certificate_is_told(tmp_path: Path, authority: Authority, rsa_key: rsa.RSAPrivateKey) -> None:
    directory = authority.issue(tmp_path / "one", key=rsa_key)
    other = authority.issue(tmp_path / "other")
    (directory / "privkey.pem").write_bytes((other / "privkey.pem").read_bytes())
    found = rules.read(directory)
    assert found is not None
    assert rules.differences(found, WANTED) == ["its private key belongs to another certificate"]


@pytest.mark.parametrize("name", ["fullchain.pem", "privkey.pem"])
def test_a_missing_file_is_no_certificate(tmp_path: Path, authority: Authority, name: str) -> None:
    directory = authority.issue(tmp_path)
    (directory / name).unlink()
    assert rules.read(directory) is None


@pytest.mark.parametrize("name", ["fullchain.pem", "privkey.pem"])
def test_junk_is_told(tmp_path: Path, authority: Authority, name: str) -> None:
    directory = authority.issue(tmp_path)
    (directory / name).write_text("junk\n")
    with pytest.raises(ValueError, match=r"."):
        rules.read(directory)


@pytest.mark.parametrize(
    ("age", "said"),
    [(DAY, None), (74 * DAY, None), (76 * DAY, "and has not been renewed"), (91 * DAY, "it expired on")],
)
def test_a_renewal_that_is_late_is_told(tmp_path: Path, authority: Authority, age: dt.timedelta, said: str) -> None:
    """The last sixth of 90 days begins after 75."""
    found = rules.read(authority.issue(tmp_path, age=age))
    assert found is not None
    told = rules.overdue(found, dt.datetime.now(dt.UTC))
    assert told is None if said is None else said in str(told)


CONF = """\
version = 2.1.0
server = not this one

[renewalparams]
# server = nor this one
server = https://acme.example/dir
preferred_chain = ISRG Root X1
"""


def test_settings_of_the_renewal_are_compared() -> None:
    same = {"server": "https://acme.example/dir", "preferred_chain": "ISRG Root X1"}
    assert rules.setting_differences(CONF, same) == []
    assert rules.setting_differences(CONF, {**same, "server": "https://other.example/dir"}) == [
        "it would be renewed with server = https://acme.example/dir and not https://other.example/dir"
    ]
    assert rules.setting_differences("", {"key_type": "rsa"}) == [
        "it would be renewed with key_type = nothing and not rsa"
    ]


def test_numbers_that_certbot_leaves_out_at_a_renewal_are_what_they_were() -> None:
    wanted = {"rsa_key_size": "2048", "dns_x_propagation_seconds": "60", "preferred_chain": "A Root"}
    conf = "[renewalparams]\nserver = https://acme.example/dir\npreferred_chain = A Root\n"
    assert rules.setting_differences(conf, wanted, before=wanted) == []
    assert rules.setting_differences(conf, {**wanted, "rsa_key_size": "3072"}, before=wanted) == [
        "it would be renewed with rsa_key_size = 2048 and not 3072"
    ]
    assert len(rules.setting_differences(conf, wanted)) == 2
    assert len(rules.setting_differences(conf.replace("preferred_chain = A Root", ""), wanted, before=wanted)) == 1
    assert len(rules.setting_differences(f"{conf}rsa_key_size = 4096\n", wanted, before=wanted)) == 1
    assert len(rules.setting_differences("", wanted, before=wanted)) == 3


def test_settings_that_must_not_be_there_are_told() -> None:
    conf = CONF + "required_profile = shortlived\npreferred_profile = None\n"
    assert rules.setting_differences(conf, {}, ["required_profile", "preferred_profile"]) == [
        "it would be renewed with required_profile = shortlived"
    ]
    assert rules.setting_differences(CONF, {}, ["required_profile", "preferred_profile"]) == []
