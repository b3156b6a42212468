"""The process that is one simulated camera; it runs in the world's machine on Debian's own Python."""
