"""What a camera really sends, and whether an Echo can show it.

Standard library and relative imports only: an Ansible module uses it, and the appliance gets a copy of this folder.
"""

from .judging import Finding, judge
from .observed import Observed
from .probing import probe

__all__ = ["Finding", "Observed", "judge", "probe"]
