"""The events service: finds recordings, makes clips of them, and tells Alexa, whatever fails on the way."""
