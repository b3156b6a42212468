"""Where good ends and where it no longer works, with the reason beside each figure."""

PROFILES_GOOD = ("Constrained Baseline", "Baseline", "Extended", "Main")
"""Baseline and Main are proven on Echo devices; owners report a black picture with High (field reports up to 2026)."""

LEVEL_MOST = 42
"""level_idc. 4.2 is 1920x1080 at 60 a second (ITU-T H.264, table A-1), as much as a decoder for a full-HD screen has to
take; 3.1 is enough for 1280x720 at 30."""

PIXELS_MOST = 1920 * 1088
"""The largest screens of Echo Show devices have 1920x1080; more only costs Wi-Fi and time."""

FPS_LEAST = 8.0
"""Below, the player's decoder holds seconds of pictures back, so that less is left against pauses of the network: the
history of 3.2 s no longer covers 12 pictures (Android's player, whose marks the gateway is made for)."""

FPS_MOST = 31.0
"""More costs Wi-Fi and shows no difference on an Echo. 30 with room for a clock that is not exact."""

GOP_GOOD_SECONDS = 4.2
"""The gateway's longest history is 4 s: a longer distance has to be played faster at the start. 5 % of room."""

GOP_MOST_SECONDS = 6.0
"""Amazon wants the first picture within 6 s (Alexa.CameraStreamController, requirements of streams); after each break
of the camera's connection it may take a whole distance."""

NAL_BYTES_MOST = 400_000
"""Default of live555_out_packet_buffer_bytes: LIVE555 cuts off whatever is longer in one piece (NAL unit)."""

NAL_SHARE_GOOD = 0.9
"""Of the above. Keyframes grow with rain, leaves and noise at night."""

BITRATE_MOST = 8_000_000
"""Bits a second. Our own figure: TCP cannot leave pictures out, and the Wi-Fi of a small screen far from its access
point often carries little more."""

FIRST_PICTURE_SECONDS = 6.0
"""Amazon's limit again; counts when the appliance has just started, or the camera is opened on demand."""

AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
"""What the player takes (Android's MPEG4-GENERIC assembler)."""
