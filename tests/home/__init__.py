"""A whole home for demo, tests and benchmarks: the world outside, the appliance, its owner's inventory."""

from home.home import Home
from home.playbook import PlaybookError, Recap

__all__ = ["Home", "PlaybookError", "Recap"]
