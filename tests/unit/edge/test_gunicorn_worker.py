"""Where one request ends and the next begins, as the worker's loop sees it."""

import pytest

from backend.edge.gunicorn_worker import (
    BODY_MAX_BYTES,
    HEAD_MAX_BYTES,
    HeadTooLarge,
    request_size,
)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_request_without_a_body_ends_with_its_head() -> None:
    assert request_size(GET) == (len(GET), False)
    assert request_size(GET + GET) == (len(GET), False)
    assert request_size(GET[:-1]) == (None, False)


@pytest.mark.parametrize("name", [b"Content-Length", b"content-length", b"CONTENT-LENGTH"])
def test_a_body_counts_by_its_length(name: bytes) -> None:
    head = b"POST / HTTP/1.1\r\n" + name + b": 5\r\n\r\n"
    assert request_size(head + b"12345next") == (len(head) + 5, False)


def test_a_header_that_only_ends_like_a_length_is_none() -> None:
    head = b"POST / HTTP/1.1\r\nX-Content-Length: 5\r\n\r\n"
    assert request_size(head) == (len(head), False)


def test_a_body_above_the_limit_stays_unread_and_one_at_the_limit_does_not() -> None:
    at_limit = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % BODY_MAX_BYTES
    above = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_MAX_BYTES + 1)
    assert request_size(at_limit) == (len(at_limit) + BODY_MAX_BYTES, False)
    assert request_size(above + b"x") == (len(above) + 1, True)


def test_a_chunked_body_stays_unread() -> None:
    received = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"
    assert request_size(received) == (len(received), True)


def test_a_head_at_its_limit_is_taken_and_one_above_is_not() -> None:
    begin = b"GET / HTTP/1.1\r\nX: "
    at_limit = begin + b"a" * (HEAD_MAX_BYTES - len(begin)) + b"\r\n\r\n"
    assert request_size(at_limit) == (len(at_limit), False)
    for too_long in (at_limit.replace(b"a", b"aa", 1), begin + b"a" * HEAD_MAX_BYTES):
        with pytest.raises(HeadTooLarge):
            request_size(too_long)
