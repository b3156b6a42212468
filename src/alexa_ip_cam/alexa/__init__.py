"""Alexa's messages and errors, without any knowledge of cameras."""
