"""What differs on the wire between the Android releases under the Fire OS versions.

Figures from the open-source player (AOSP stagefright 5.1.1, 7.1.2, 9 and 11). Only the 7.1.2 user agent has been
seen from a real Echo; the others follow its pattern.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """One release of the player.

    ``cuts_base``: a base URL without a slash at its end loses its last segment before a track's name is added.
    ``needs_rtpmap``: a media line without ``a=rtpmap`` stops the player instead of being skipped.
    ``checks_profile``: an H.264 ``profile-level-id`` that is not six hexadecimal digits stops the player.
    ``range_with_colon``: ``a=range:npt:`` counts as a range too.
    ``sends_teardown``: the session ends with TEARDOWN; otherwise the socket is simply closed.
    """

    android: str
    user_agent: str
    cuts_base: bool = False
    needs_rtpmap: bool = False
    checks_profile: bool = True
    range_with_colon: bool = False
    sends_teardown: bool = True


def _agent(fire_os: str, android: str) -> str:
    return f"Fire OS/{fire_os} stagefright/1.2 (Linux;Android {android})"


ANDROID_5 = Version("5.1", _agent("5.0", "5.1.1"), cuts_base=True, needs_rtpmap=True)
ANDROID_7 = Version("7.1", _agent("6.0", "7.1.2"))
ANDROID_9 = Version("9", _agent("7.0", "9"))
ANDROID_11 = Version("11", _agent("8.0", "11"), checks_profile=False, range_with_colon=True, sends_teardown=False)
VERSIONS = {version.android: version for version in (ANDROID_5, ANDROID_7, ANDROID_9, ANDROID_11)}
