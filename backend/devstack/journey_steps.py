"""What every step of the journey does: ask, look, say, wait; the first wrong answer ends it."""

import time
from collections.abc import Callable

from backend.devstack.http_calls import Answer
from backend.devstack.transcript import Transcript
from backend.domain.errors import HuiquanError


class JourneyFailed(HuiquanError):
    """A step did not go as it should; `str()` says which one and what came instead."""

    code = "dev_journey_failed"
    message = "旅程在这一步没有通过，请查看日志目录；确认后可 make reset 重新开始"


class Steps:
    """Steps told on a transcript.

    :param tick: called often while the journey waits, so that its owner can look around
    """

    def __init__(self, *, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._say = Transcript()

    def _pause(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self._tick()
            time.sleep(min(left_s, 0.2))

    def _refused(self, answer: Answer, code: str, *, status: int = 422) -> None:
        found = (answer.body or {}).get("error", {}).get("code")
        self._check(answer.status == status and found == code, f"应被拒绝（{code}）", shown(answer))

    def _expect(self, answer: Answer, status: int) -> Answer:
        self._tick()
        self._check(
            answer.status == status and isinstance(answer.body, dict),
            f"应答 {status}",
            shown(answer),
        )
        return answer

    def _check(self, good: bool, rule: str, found: object) -> None:
        if not good:
            raise JourneyFailed(f"第 {self._say.steps + 1} 步：{rule}；实际：{found}")


def shown(answer: Answer) -> str:
    """Return an answer as a failure shows it."""
    return f"{answer.request} {answer.status} {answer.body}"
