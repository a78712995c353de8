"""A file of a shop's clerks (收银员): what is wrong with its lines."""

from collections.abc import Iterator, Sequence

from backend.domain.errors import HuiquanError
from backend.domain.identifiers import is_mobile
from backend.domain.reconciliation import Fault

COLUMNS = ("姓名", "手机号")
MAX_NAME_LENGTH = 40


class ClerkFileRefused(HuiquanError):
    """`details["faults"]` lists {line, where, reason}; nobody was added."""

    code = "clerk_file_refused"
    message = "收银员文件有误，一个人也没有添加，请按所列行号改正后重新上传"
    category = "invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults", details={"faults": [vars(f) for f in faults]})
        self.faults = faults


def faults_of(people: Sequence[tuple[int, str, str]]) -> Iterator[Fault]:
    """Yield what is wrong with (line, name, phone) by itself and beside the others."""
    first_at: dict[str, int] = {}
    for line, name, phone in people:
        if not 1 <= len(name) <= MAX_NAME_LENGTH or not name.isprintable():
            yield Fault(line=line, where="姓名", reason=f"须为 1 至 {MAX_NAME_LENGTH} 个字")
        if not is_mobile(phone):
            yield Fault(line=line, where="手机号", reason="须为 11 位手机号")
        if (first := first_at.setdefault(phone, line)) != line:
            yield Fault(line=line, where="手机号", reason=f"与第 {first} 行重复")
