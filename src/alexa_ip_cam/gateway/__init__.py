"""The RTSP gateway between the LIVE555 instances and the TLS proxy.

It keeps one session to each camera's LIVE555 instance and the last seconds of its pictures, so that a viewer's
first picture is ready the moment the viewer asks. docs/gateway.md says how and why.
"""
