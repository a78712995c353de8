"""Notices for tests: written by one, released by another."""

from backend.services import public_notices

WRITER, APPROVER = "mei.ti", "shen.pi"


def submit_one(title: str = "五一活动", body: str = "第一段\r\n\r\n第二段") -> int:
    """Write a notice and send it for release; return its number."""
    number = public_notices.write(title=title, body=body, actor=WRITER).id
    public_notices.submit(number, actor=WRITER)
    return number


def publish_one(title: str = "五一活动", body: str = "第一段\r\n\r\n第二段") -> int:
    """Have a notice released; return its number."""
    number = submit_one(title, body)
    public_notices.publish(number, edition=1, actor=APPROVER)
    return number
