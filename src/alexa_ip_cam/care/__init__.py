"""Walks the ways of a picture, an event, a certificate and the skill, and tells the first broken link of each."""
