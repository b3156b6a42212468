"""Figures of the running appliance, each beside its target; see ``python -m benchmarks``."""
