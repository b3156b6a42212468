"""Messages are read tolerantly, within limits, however they are cut on the way."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.gateway.rtsp_message import (
    LARGEST_BODY,
    LARGEST_HEAD,
    MOST_HEADERS,
    MalformedMessageError,
    Message,
    MessageReader,
    Response,
    as_request,
    parse_head,
    status_of,
)


def read(*pieces: bytes) -> list[Message | tuple[int, bytes]]:
    reader = MessageReader()
    found: list[Message | tuple[int, bytes]] = []
    for piece in pieces:
        reader.feed(piece)
        found += reader.items()
    return found


DESCRIBE = b"DESCRIBE rtsp://h:443/a RTSP/1.0\r\nAccept: application/sdp\r\nCSeq: 1\r\n\r\n"
SET = b"SET_PARAMETER rtsp://h/a RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 4\r\n\r\nabcd"


def test_a_request() -> None:
    (message,) = read(DESCRIBE)
    assert isinstance(message, Message)
    request = as_request(message)
    assert (request.method, request.uri, request.version, request.cseq) == (
        "DESCRIBE",
        "rtsp://h:443/a",
        "RTSP/1.0",
        "1",
    )
    assert message.header("ACCEPT") == "application/sdp"
    assert message.header("Range") == ""


def test_tolerated() -> None:
    (message,) = read(b"\r\n\nOPTIONS  * RTSP/1.0 \nCSEQ :3\nX: a\n b\nx: c\n\n")
    assert isinstance(message, Message)
    assert as_request(message).cseq == "3"
    assert message.header("x") == "c"  # the last one wins, as in the players


@given(st.lists(st.integers(0, len(DESCRIBE + SET) + 20), max_size=8))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    stream = DESCRIBE + b"$\x01\x00\x03xyz" + SET + b"\r\n" + DESCRIBE
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert read(*pieces) == read(stream)
    found = read(*pieces)
    assert found[1] == (1, b"xyz")
    assert isinstance(found[2], Message)
    assert found[2].body == b"abcd"
    assert len(found) == 4


@given(st.binary(max_size=400))
def test_garbage_is_refused_or_waited_for_but_nothing_else(data: bytes) -> None:
    try:
        items = read(data, b"\r\n\r\n")
    except MalformedMessageError:
        return
    for item in items:
        if isinstance(item, Message):
            try:
                as_request(item)
            except MalformedMessageError:
                continue


@given(st.text(max_size=200))
def test_any_first_line_is_a_request_or_refused(line: str) -> None:
    try:
        request = as_request(Message(line, {"cseq": line}))
    except MalformedMessageError:
        return
    assert request.method.isupper()
    assert request.cseq is None or (request.cseq.isascii() and request.cseq.isdecimal())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"A" * (LARGEST_HEAD + 10), 413),
        (b"OPTIONS * RTSP/1.0\r\n" + b"A: b\r\n" * (MOST_HEADERS + 1) + b"\r\n", 413),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1), 413),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: 1x\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nno colon here\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nna me: x\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nName: \xff\xfe\r\n\r\n", 400),
    ],
)
def test_limits(data: bytes, status: int) -> None:
    with pytest.raises(MalformedMessageError) as error:
        read(data)
    assert error.value.status == status


def test_a_reader_knows_what_is_pending() -> None:
    reader = MessageReader()
    assert not reader.pending
    reader.feed(DESCRIBE[:20])
    assert list(reader.items()) == []
    assert reader.pending
    reader.feed(DESCRIBE[20:])
    assert len(list(reader.items())) == 1
    assert not reader.pending


def test_responses() -> None:
    response = Response(200, [("Session", "1;timeout=60")], b"v=0\r\n")
    assert response.encode("7") == (
        b"RTSP/1.0 200 OK\r\nCSeq: 7\r\nSession: 1;timeout=60\r\nContent-Length: 5\r\n\r\nv=0\r\n"
    )
    assert Response(404).encode(None) == b"RTSP/1.0 404 Not Found\r\n\r\n"
    assert status_of(parse_head(b"RTSP/1.0 461 Unsupported")) == 461
    with pytest.raises(MalformedMessageError):
        status_of(parse_head(b"HTTP/1.1 200 OK"))
