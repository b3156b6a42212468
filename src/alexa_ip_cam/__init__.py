"""Standalone IP cameras on Alexa devices: the parts that are Python."""
