"""Brings the skill at Amazon to what it shall be, step by step, in the one order that works.

Each step looks first, so that a run that was cut off is gone on with by the next one. What has to outlive a run, the
skill's id before all, is kept in the moment it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.appliance import skill_rules as rules
from ansible.module_utils.appliance.smapi import Answer, Smapi, SmapiError, build_problem

from alexa_ip_cam.deploy import private_file

_STAGE = "/v1/skills/{}/stages/development"
_UNKNOWN = "(known when it is made)"


class Wanted(NamedTuple):
    """The skill as it shall be.

    `manifest` has neither permission nor endpoints; `endpoints` are ARNs by Alexa's region, empty to leave the ones at
    hand alone; `linking` is the whole request; `vendor_id` is empty for a developer account that has only one.
    """

    name: str
    manifest: dict[str, Any]
    linking: dict[str, Any]
    endpoints: dict[str, str]
    vendor_id: str = ""


class SkillSteps:
    """One run. `actions` tells what was done, or would be in check mode."""

    def __init__(
        self, smapi: Smapi, path: Path, *, check: bool, tell: Callable[[str], None] = lambda _line: None
    ) -> None:
        """Read what earlier runs kept in the file; raises private_file.PrivateFileError.

        ``tell`` is called with each action before it is done.
        """
        self._smapi = smapi
        self._path = path
        self._check = check
        self._kept = private_file.read(path)
        self._tell = tell
        self.actions: list[str] = []

    @property
    def skill_id(self) -> str:
        """The skill's id; empty when there is none."""
        return str(self._kept.get("skill_id", ""))

    @property
    def vendor_id(self) -> str:
        """The developer account's id."""
        return str(self._kept.get("vendor_id", ""))

    @property
    def enabled(self) -> bool:
        """Whether the skill is enabled for whoever logged in, as seen last."""
        return self._is_enabled

    _is_enabled = False

    def present(self, wanted: Wanted) -> None:
        """Take every step that is still to be taken; raises SmapiError."""
        self._find_vendor(wanted)
        manifest = self._read() if self.skill_id else None
        if self.skill_id and manifest is None:
            self._note(f"forget {self.skill_id}, which is gone at Amazon")
            self._forget()
        if manifest is None and self._find(wanted):
            manifest = self._read()
        if manifest is None:
            self._create(wanted)
            manifest = self._read() if not self._check else Answer(200, {"manifest": wanted.manifest}, "")
        self._update(wanted, manifest or Answer(200, {"manifest": {}}, ""))
        self._link(wanted)
        self._keep_credentials()
        if wanted.endpoints:
            self._enable()

    def absent(self, wanted: Wanted) -> None:
        """Delete the skill and what is kept of it; raises SmapiError."""
        self._find_vendor(wanted)
        if not self.skill_id:
            self._find(wanted)
        if self.skill_id:
            self._note(f"delete {self.skill_id}")
            if not self._check:
                path = f"/v1/skills/{self.skill_id}"
                self._smapi.call("DELETE", path, what="The skill could not be deleted", expect=(200, 204, 404))
        if not self._check:
            self._path.unlink(missing_ok=True)

    def _find_vendor(self, wanted: Wanted) -> None:
        if self.vendor_id and self.vendor_id == (wanted.vendor_id or self.vendor_id):
            return
        answer = self._smapi.call("GET", "/v1/vendors", what="Your developer account could not be found", expect=(200,))
        ids = [str(vendor.get("id", "")) for vendor in answer.body.get("vendors", [])]
        if not ids:
            raise SmapiError(
                "The Amazon account that you logged in with is no developer account yet; accept the terms once at "
                "https://developer.amazon.com/alexa/console/ask, then run again"
            )
        if wanted.vendor_id and wanted.vendor_id not in ids:
            raise SmapiError(f"Your developer accounts are {', '.join(ids)}; set lambda_vendor_id to one of them")
        if len(ids) > 1 and not wanted.vendor_id:
            raise SmapiError(f"You have several developer accounts; set lambda_vendor_id to one of {', '.join(ids)}")
        self._keep(vendor_id=wanted.vendor_id or ids[0])

    def _read(self) -> Answer | None:
        """The manifest once no build is running; None when the skill is gone."""
        path = _STAGE.format(self.skill_id) + "/manifest"
        answer = self._smapi.call("GET", path, what="The skill could not be read", expect=(200, 404))
        if answer.status == 404:
            return None
        if self._smapi.wait_for_build(self.skill_id).get("status") == "SUCCEEDED":
            answer = self._smapi.call("GET", path, what="The skill could not be read", expect=(200,))
        return answer

    def _find(self, wanted: Wanted) -> bool:
        """Find a skill that a run made and could not keep the id of any more."""
        listed, more = [], ""
        while True:
            path = f"/v1/skills?vendorId={self.vendor_id}&maxResults=50{more}"
            answer = self._smapi.call("GET", path, what="Your skills could not be listed", expect=(200,))
            listed += answer.body.get("skills", [])
            if not answer.body.get("isTruncated"):
                break
            more = f"&nextToken={answer.body.get('nextToken', '')}"
        ours = []
        for skill_id in rules.own_skills(listed, wanted.name):
            path = _STAGE.format(skill_id) + "/manifest"
            found = self._smapi.call("GET", path, what="A skill could not be read", expect=(200, 404))
            if rules.marker(found.body.get("manifest", {})) == rules.marker(wanted.manifest):
                ours.append(skill_id)
        if len(ours) > 1:
            raise SmapiError(
                f"There are {len(ours)} skills of this inventory, {', '.join(ours)}; delete all but one in the "
                "developer console, then run again"
            )
        if ours:
            self._note(f"take up {ours[0]}, which was made by this inventory before")
            self._keep(skill_id=ours[0])
        return bool(ours)

    def _create(self, wanted: Wanted) -> None:
        self._note("make the skill")
        if self._check:
            return
        body = {"vendorId": self.vendor_id, "manifest": wanted.manifest}
        what = "The skill could not be made"
        answer = self._smapi.call("POST", "/v1/skills", body, what=what, expect=(200, 202), repeatable=False)
        self._keep(skill_id=answer.body["skillId"])
        self._await(what)

    def _update(self, wanted: Wanted, found: Answer) -> None:
        target = rules.with_permission(wanted.manifest)
        if wanted.endpoints:
            target = rules.with_endpoints(target, wanted.endpoints)
        manifest = found.body.get("manifest", {})
        target = rules.merged(manifest, target)
        changed = rules.differences(manifest, target)
        if not changed:
            return
        self._note(f"update the manifest: {', '.join(changed)}")
        if self._check:
            return
        what = "The skill's manifest could not be updated"
        path = _STAGE.format(self.skill_id) + "/manifest"
        try:
            self._smapi.call("PUT", path, {"manifest": target}, what=what, expect=(200, 202), etag=found.etag)
        except SmapiError as error:
            # Somebody changed it since it was read; maybe this very request, whose answer got lost.
            fresh = self._read() if error.status == 412 and found.etag else None
            if fresh is None:
                raise
            self._update(wanted, fresh._replace(etag=""))
            return
        self._await(what)

    def _await(self, what: str) -> None:
        problem = build_problem(self._smapi.wait_for_build(self.skill_id))
        if problem:
            raise SmapiError(f"{what}: Amazon could not build it ({problem}); mend that and run again")

    def _link(self, wanted: Wanted) -> None:
        """Account linking; looked at in every run, because a build of the manifest can take it away."""
        digest = rules.linking_digest(wanted.linking)
        changed = ["everything"]
        path = _STAGE.format(self.skill_id) + "/accountLinkingClient"
        if self.skill_id:
            what = "Account linking could not be read"
            found = self._smapi.call("GET", path, what=what, expect=(200, 404))
            if found.status == 200:
                changed = rules.linking_differs(found.body.get("accountLinkingResponse", {}), wanted.linking)
                changed += ["clientSecret"] if self._kept.get("linking") != digest else []
        if not changed:
            return
        self._note(f"set account linking: {', '.join(changed)}")
        if self._check:
            return
        body = {"accountLinkingRequest": wanted.linking}
        self._smapi.call("PUT", path, body, what="Account linking could not be set", expect=(200, 204))
        self._keep(linking=digest)

    def _keep_credentials(self) -> None:
        """The skill's messaging credentials go to the function, which trades grants with them."""
        if not self.skill_id:
            self._note("keep the skill's messaging credentials")
            return
        path, what = f"/v1/skills/{self.skill_id}/credentials", "The skill's messaging credentials could not be read"
        given = self._smapi.call("GET", path, what=what, expect=(200,)).body.get("skillMessagingCredentials", {})
        messaging = {"client_id": given.get("clientId", ""), "client_secret": given.get("clientSecret", "")}
        if not all(messaging.values()):
            raise SmapiError(f"{what}: Amazon gave none; run again in a minute")
        if self._kept.get("messaging") != messaging:
            self._note("keep the skill's messaging credentials")
            self._keep(messaging=messaging)

    def _enable(self) -> None:
        """Enable the skill for the owner. Amazon may want the account linked first, which only the Alexa app can do."""
        if not self.skill_id:
            self._note("enable the skill")
            return
        path = _STAGE.format(self.skill_id) + "/enablement"
        what = "Whether the skill is enabled could not be read"
        self._is_enabled = self._smapi.call("GET", path, what=what, expect=(200, 204, 404)).status != 404
        if self._is_enabled or self._kept.get("enable_by_hand"):
            return
        if self._check:
            self._note("enable the skill")
            return
        answer = self._smapi.call("PUT", path, what="The skill could not be enabled", expect=(200, 204, 400, 403))
        self._is_enabled = answer.status < 400
        if self._is_enabled:
            self._note("enable the skill")
        else:
            self._keep(enable_by_hand=True)

    def _note(self, action: str) -> None:
        self.actions.append(action)
        if not self._check:
            self._tell(action)

    def _keep(self, **values: Any) -> None:
        self._kept |= values
        if not self._check:
            private_file.write(self._path, self._kept)

    def _forget(self) -> None:
        self._kept = {key: value for key, value in self._kept.items() if key == "vendor_id"}
        if not self._check:
            private_file.write(self._path, self._kept)


def wanted_skill(values: Mapping[str, Any], linking: dict[str, Any]) -> Wanted:
    """What a module's arguments ask for; the skill's name is that of its first locale."""
    locales = values["manifest"]["publishingInformation"]["locales"]
    name = next(iter(locales.values()))["name"]
    endpoints = values.get("endpoints") or {}
    return Wanted(name, values["manifest"], linking, endpoints, values.get("vendor_id") or "")
