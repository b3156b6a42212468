"""The filter that hands derived keys to templates."""

import pytest
from ansible.errors import AnsibleFilterError

from alexa_ip_cam.signing import derive_key
from filter_plugins.signing import FilterModule

ROOT = "00112233445566778899aabbccddeeff" * 2
derived_key = FilterModule().filters()["derived_key"]


def test_the_filter_gives_the_key_in_hexadecimal() -> None:
    assert derived_key(ROOT, "streams") == derive_key(ROOT, "streams").hex()


def test_apaches_key_is_the_first_forty_digits() -> None:
    assert derived_key(ROOT, "clips", digits=40) == derive_key(ROOT, "clips").hex()[:40]


@pytest.mark.parametrize("root", ["", "secret", ROOT[:-1], ROOT + "0", ROOT[:-1] + "g", 12, None])
def test_a_bad_key_is_refused_with_the_mend_and_not_shown(root: object) -> None:
    with pytest.raises(AnsibleFilterError, match=r"64 hexadecimal digits.*openssl rand -hex 32") as refusal:
        derived_key(root, "streams")
    assert not root or str(root) not in str(refusal.value)


@pytest.mark.parametrize("digits", [0, 32, 65, "40"])
def test_other_lengths_are_refused(digits: object) -> None:
    with pytest.raises(AnsibleFilterError, match=r"40 \(for Apache\) or 64"):
        derived_key(ROOT, "streams", digits=digits)
