"""What the journey shows: one line a step, aligned also where Chinese is twice as wide."""

import re
import sys
import unicodedata
from datetime import datetime, timedelta

from backend.devstack.http_calls import Answer
from backend.domain.china import CHINA

EPOCH = datetime(1970, 1, 1, tzinfo=CHINA) + timedelta(hours=8)
LONG_ID = re.compile("[0-9a-f]{32}")
TITLE_COLUMNS = 16


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def padded(text: str, width: int) -> str:
    """Return the text with blanks up to a width in columns."""
    return text + " " * max(0, width - columns(text))


def moment(server_ms: int) -> datetime:
    """Return the server's time, in China."""
    return EPOCH + timedelta(milliseconds=server_ms)


class Transcript:
    """Prints the steps to standard output, numbered."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, title: str, text: str, answer: Answer | None = None) -> None:
        """Show a step that went as it should, and the request that proves it."""
        self.steps += 1
        at = f"{moment(answer.server_ms):%H:%M:%S}" if answer and answer.server_ms else " " * 8
        line = f"{self.steps:3} {at}  {padded(title, TITLE_COLUMNS)}{text}"
        if answer:
            line += f"  ← {LONG_ID.sub('…', answer.request)} {answer.status}"
        print(line, flush=True)

    def note(self, text: str) -> None:
        """Show a line that belongs to the step above."""
        print(f"{'':{14 + TITLE_COLUMNS}}{text}", flush=True)

    def countdown(self, seconds_left: int, until: datetime) -> None:
        """Show how long it takes yet, in place where the output is a terminal."""
        title = padded("等待开抢", TITLE_COLUMNS)
        text = f"{'':14}{title}{until:%H:%M:%S} 开始，还有 {seconds_left} 秒"
        if sys.stdout.isatty():
            end = "\n" if seconds_left == 0 else ""
            print(f"\r{text} ", end=end, flush=True)
        elif seconds_left % 10 == 0:
            print(text, flush=True)
