"""The module against a strict simulator: check, do, check, do; what Amazon forgets, refuses and loses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests
from ansible.module_utils.appliance import smapi

from alexa_ip_cam.deploy import private_file
from simulators.amazon.smapi import EVENTS, Smapi
from unit.deploy.conftest import ARNS, CLIENT, SkillBench, manifest


def test_check_and_do_twice(skill: SkillBench) -> None:
    foreseen = skill(check=True)
    assert foreseen["changed"] is True
    assert (skill.amazon.changes, skill.kept(), foreseen["skill_id"]) == ([], {}, "")
    first = skill()
    assert first["changed"] is True
    assert first["enabled"] is True
    made = skill.amazon.only_skill()
    assert first["skill_id"] == made.skill_id == skill.kept()["skill_id"]
    done = len(skill.amazon.changes)
    for check in (True, False):
        again = skill(check=check)
        assert (again["changed"], again["actions"], again["enabled"]) == (False, [], True)
    assert len(skill.amazon.changes) == done


def test_what_check_mode_foresees_is_what_is_done(skill: SkillBench) -> None:
    foreseen, done = skill(check=True)["actions"], skill()["actions"]
    assert [action.split(":")[0] for action in foreseen] == [action.split(":")[0] for action in done]


def test_the_skill_is_as_alexa_needs_it(skill: SkillBench) -> None:
    skill("en-US", "en-GB", endpoints=ARNS)
    made = skill.amazon.only_skill()
    assert made.manifest is not None
    assert made.manifest["permissions"] == [{"name": EVENTS}]
    smart_home = made.manifest["apis"]["smartHome"]
    assert smart_home["endpoint"] == {"uri": ARNS["NA"]}
    assert smart_home["regions"] == {region: {"endpoint": {"uri": arn}} for region, arn in ARNS.items()}
    assert made.linking is not None
    assert (made.linking["clientId"], made.linking["clientSecret"]) == tuple(CLIENT)
    assert made.linking["scopes"] == ["profile:user_id"]
    client_id, secret = made.client
    assert skill.kept()["messaging"] == {"client_id": client_id, "client_secret": secret}


def test_the_order_is_the_one_that_works(skill: SkillBench) -> None:
    """As the playbook does it: once without endpoints, then the function is made, then with them."""
    skill(endpoints={})
    skill()
    steps = [f"{asked.method} {asked.path.rpartition('/')[2]}" for asked in skill.amazon.changes]
    assert steps == [
        "POST skills",
        "PUT manifest",
        "PUT accountLinkingClient",
        "PUT manifest",
        "PUT accountLinkingClient",  # the build lost it
        "PUT enablement",
    ]
    assert skill(endpoints={})["changed"] is False


def test_what_the_owner_added_in_the_console_stays(skill: SkillBench) -> None:
    skill()
    content = skill.amazon.only_skill().manifest
    assert content is not None
    content["publishingInformation"]["locales"]["en-US"]["smallIconUri"] = "https://example.com/icon.png"
    assert skill()["changed"] is False
    result = skill(manifest=manifest(name="Our Cameras"))
    assert result["actions"][0] == "update the manifest: publishingInformation.locales.en-US.name"
    content = skill.amazon.only_skill().manifest
    assert content is not None
    locale = content["publishingInformation"]["locales"]["en-US"]
    assert (locale["name"], locale["smallIconUri"]) == ("Our Cameras", "https://example.com/icon.png")


def test_locales_come_and_go_with_their_regions(skill: SkillBench) -> None:
    skill("en-US", "de-DE", endpoints=ARNS)
    skill("de-DE", endpoints={"EU": ARNS["EU"]})
    content = skill.amazon.only_skill().manifest
    assert content is not None
    assert list(content["publishingInformation"]["locales"]) == ["de-DE"]
    assert list(content["apis"]["smartHome"]["regions"]) == ["EU"]
    assert content["apis"]["smartHome"]["endpoint"]["uri"] == ARNS["EU"]


def test_lost_account_linking_is_set_again(skill: SkillBench) -> None:
    skill()
    skill.amazon.only_skill().linking = None
    assert skill()["actions"] == ["set account linking: everything"]


def test_another_security_profile_is_taken_over(skill: SkillBench) -> None:
    skill()
    path = skill.folder / private_file.LOGIN
    skill.login.add_client(CLIENT.client_id, "another secret")
    private_file.write(path, {**private_file.read(path), "client_secret": "another secret"})
    assert skill()["actions"] == ["set account linking: clientSecret"]
    linking = skill.amazon.only_skill().linking
    assert linking is not None
    assert linking["clientSecret"] == "another secret"


def test_a_skill_deleted_behind_our_back_is_made_again(skill: SkillBench) -> None:
    first = skill()["skill_id"]
    skill.amazon.skills.clear()
    foreseen = skill(check=True)
    assert foreseen["actions"][0] == f"forget {first}, which is gone at Amazon"
    assert skill.kept()["skill_id"] == first
    second = skill()
    assert second["skill_id"] not in ("", first)
    assert second["enabled"] is True
    assert skill()["changed"] is False


def test_a_lost_file_finds_its_skill_again_among_others(skill: SkillBench) -> None:
    skill(manifest=manifest(site="another.example.com"))
    skill.skill_file.unlink()
    first = skill()["skill_id"]
    for number in range(12):  # more than a page of others
        skill.skill_file.unlink()
        skill(manifest=manifest(name=f"Others {number}"), endpoints={})
    skill.skill_file.unlink()
    result = skill()
    assert result["skill_id"] == first
    assert result["actions"][0].startswith(f"take up {first}")


def test_of_two_that_are_ours_none_is_chosen(skill: SkillBench) -> None:
    skill()
    skill.skill_file.unlink()
    twin = skill.amazon.only_skill()
    skill.amazon.skills["amzn1.ask.skill.twin"] = type(twin)(
        "amzn1.ask.skill.twin", twin.client, twin.manifest, status="SUCCEEDED"
    )
    result = skill()
    assert result["failed"] is True
    assert "delete all but one in the developer console" in result["msg"]


def test_enabling_that_only_the_app_can_do_is_left_to_it(skill: SkillBench) -> None:
    skill.amazon.enabling_needs_linking = True
    first = skill()
    assert first["enabled"] is False
    assert any(step.endswith("enable it:") for step in first["next_steps"])
    assert [skill(check=check)["changed"] for check in (True, False)] == [False, False]
    skill.amazon.only_skill().enabled = True
    last = skill()
    assert (last["changed"], last["enabled"]) == (False, True)


def test_the_next_steps_have_the_values_to_paste(skill: SkillBench) -> None:
    text = "\n".join(skill()["next_steps"])
    (vendor,) = skill.amazon.vendors
    assert re.findall(r"https://(\S+)/api/skill/link/(\S+)", text) == [
        (host, vendor) for host in ("pitangui.amazon.com", "layla.amazon.com", "alexa.amazon.co.jp")
    ]
    assert CLIENT.client_id in text
    assert CLIENT.client_secret not in text


def test_no_secret_is_in_a_result(skill: SkillBench) -> None:
    text = "".join(json.dumps(skill(check=check)) for check in (True, False, False))
    made = skill.amazon.only_skill()
    kept = private_file.read(skill.folder / private_file.LOGIN)
    for secret in (CLIENT.client_secret, made.client[1], kept["refresh_token"], kept["access_token"]):
        assert secret not in text


def test_an_expired_token_is_renewed_and_the_new_refresh_token_kept(skill: SkillBench) -> None:
    skill()
    path = skill.folder / private_file.LOGIN
    before = private_file.read(path)
    # It looks good for an hour, and Amazon takes it no more.
    private_file.write(path, {**before, "access_token": "Atza|long gone"})
    assert skill()["changed"] is False
    after = private_file.read(path)
    assert after["refresh_token"] != before["refresh_token"]
    assert after["client_secret"] == CLIENT.client_secret


@pytest.mark.parametrize("status", [429, 503, 500])
def test_what_passes_by_itself_is_waited_for(skill: SkillBench, status: int) -> None:
    for method, path in (("GET", "vendors"), ("PUT", "manifest"), ("GET", "status"), ("PUT", "accountLinking")):
        skill.amazon.fail(method, path, status, 2, Retry_After="0")
    assert skill()["enabled"] is True


def test_a_build_by_somebody_else_is_waited_for(skill: SkillBench) -> None:
    skill()
    skill.amazon.fail("PUT", "manifest", 409, 3)
    assert skill(manifest=manifest(name="Our Cameras"))["changed"] is True


CALLS = [
    ("GET", "/vendors$"),
    ("GET", "/skills$"),
    ("POST", "/skills$"),
    ("GET", "/manifest$"),
    ("PUT", "/manifest$"),
    ("GET", "/status$"),
    ("GET", "/accountLinkingClient$"),
    ("PUT", "/accountLinkingClient$"),
    ("GET", "/credentials$"),
    ("GET", "/enablement$"),
    ("PUT", "/enablement$"),
]


# That enabling is refused with 403 is no error: only the app can do it then.
REFUSALS = [(*call, status) for call in CALLS for status in (401, 403, 500) if (*call, status) != (*CALLS[-1], 403)]


@pytest.mark.parametrize(("method", "path", "status"), REFUSALS)
def test_every_refusal_is_one_message_with_the_mend_and_the_next_run_goes_on(
    skill: SkillBench, method: str, path: str, status: int
) -> None:
    skill.amazon.fail(method, path, status, 8)
    result = skill(patience=1)
    assert result["failed"] is True
    assert f"answered {status}" in result["msg"]
    assert "; " in result["msg"]
    assert "\n" not in result["msg"]
    skill.amazon._faults.clear()
    assert skill()["enabled"] is True
    assert len(skill.amazon.skills) == 1


@pytest.mark.parametrize(("method", "path"), [call for call in CALLS if call[0] != "GET"])
def test_an_answer_that_got_lost_makes_no_second_skill(skill: SkillBench, method: str, path: str) -> None:
    skill.amazon.fail(method, path, 0, 1, after=True)
    first = skill()
    assert first.get("failed", False) is (method == "POST")
    assert skill()["enabled"] is True
    assert len(skill.amazon.skills) == 1


def test_a_run_killed_after_any_request_is_gone_on_with(skill: SkillBench, monkeypatch: pytest.MonkeyPatch) -> None:
    original = requests.Session.request
    left = -1  # requests until the end

    def request(*arguments: Any, **options: Any) -> requests.Response:
        nonlocal left
        answer = original(*arguments, **options)
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    for number in range(1, 50):
        skill.amazon.skills.clear()
        skill.skill_file.unlink(missing_ok=True)
        left = number
        try:
            skill(pause=0.06)  # longer than a build, so that few requests only ask how it goes
        except KeyboardInterrupt:
            left = -1
        else:
            break
        assert skill()["enabled"] is True
        assert len(skill.amazon.skills) == 1
        assert skill()["changed"] is False
    assert 15 < number < 40  # whole runs there were, and it was none of the killed ones


def test_a_change_in_the_console_meanwhile_is_taken_in(skill: SkillBench) -> None:
    skill()
    skill.amazon.fail("PUT", "manifest", 412)
    assert skill(manifest=manifest(name="Our Cameras"))["changed"] is True
    assert skill(manifest=manifest(name="Our Cameras"))["changed"] is False


def test_a_function_that_the_skill_may_not_call_is_told(skill: SkillBench, amazon: Smapi) -> None:
    amazon._may_call = lambda _arn, _skill_id: False
    result = skill()
    assert result["failed"] is True
    assert "Alexa Smart Home is selected" in result["msg"]
    amazon._may_call = lambda _arn, _skill_id: True
    assert skill()["enabled"] is True


def test_a_build_without_end_is_told(skill: SkillBench) -> None:
    skill.amazon.build_seconds = 60
    result = skill(patience=1, pause=0.2)
    assert "building the skill for more than 1 s; run again" in result["msg"]


def test_progress_is_noted_while_it_goes_on(skill: SkillBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smapi, "_TELL_SECONDS", 0.1)
    notes = skill.folder / "notes"
    skill.amazon.build_seconds = 0.3
    done = skill(progress_file=str(notes))["actions"]
    lines = notes.read_text().splitlines()
    assert [line for line in lines if not line.startswith("Amazon is building the skill, ")] == done
    assert len(lines) > len(done)


def test_a_log_in_that_is_no_more_is_told(skill: SkillBench) -> None:
    skill.login.revoke("amzn1.account.AHOME0000000000000000OWNER")
    result = skill()
    assert result["failed"] is True
    assert f"python -m alexa_ip_cam.login {skill.folder}" in result["msg"]
    (skill.folder / private_file.LOGIN).unlink()
    assert "You are not logged in at Amazon" in skill()["msg"]


def test_several_developer_accounts_want_a_choice(skill: SkillBench) -> None:
    skill.amazon.vendors = ("MONE", "MTWO")
    assert "set lambda_vendor_id to one of MONE, MTWO" in skill()["msg"]
    assert "set lambda_vendor_id" in skill(vendor_id="MTHREE")["msg"]
    assert skill(vendor_id="MTWO")["vendor_id"] == "MTWO"
    skill.amazon.vendors = ()
    skill.skill_file.unlink()
    assert "no developer account yet" in skill()["msg"]


def test_a_file_that_others_may_read_is_refused(skill: SkillBench) -> None:
    skill()
    skill.skill_file.chmod(0o644)
    assert f"chmod 600 {skill.skill_file}" in skill()["msg"]


def test_it_goes_without_a_trace(skill: SkillBench) -> None:
    skill()
    assert skill(state="absent", check=True)["changed"] is True
    assert len(skill.amazon.skills) == 1
    assert skill(state="absent")["changed"] is True
    assert (skill.amazon.skills, skill.skill_file.exists()) == ({}, False)
    assert skill(state="absent")["changed"] is False
