set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y --no-install-recommends install \
    bind9 \
    gir1.2-gst-rtsp-server-1.0 \
    gstreamer1.0-plugins-base \
    gstreamer1.0-plugins-good \
    pebble \
    python3-gi
# The world starts them once it has written their settings.
systemctl disable named.service
# GStreamer looks at every plugin once; the cameras then read what it found.
GST_REGISTRY=/var/lib/gstreamer-registry.bin /usr/bin/python3 - <<'PYTHON'
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
PYTHON
test -s /var/lib/gstreamer-registry.bin
