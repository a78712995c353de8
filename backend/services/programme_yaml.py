"""YAML text → plain values, with the line of each: the part that knows nothing of programmes.

Only the plain heart of YAML is let in. An anchor, a tag or a key written twice makes a file mean
something else than what its reader sees, and this file decides where public money goes.
"""

import re
from dataclasses import dataclass, field

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import Reader

from backend.domain.programme_fields import Path

MAX_BYTES = 1_000_000
MAX_DEPTH = 10  # a programme needs 6

_TAG = "tag:yaml.org,2002:"
# YAML reads 010 as eight and 1:30 as ninety; a clerk does not. No amount has 18 digits.
_PLAIN_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_NOT_AN_INTEGER = 0.5  # stands for every other number: each place that wants one wants an integer

_BAD_YAML = "格式有误，请检查这一行和上一行的缩进、冒号、引号和括号；一个文件只写一个方案"
_BAD_CHARACTER = "含有不能使用的控制字符，请删去后重新输入"


@dataclass(frozen=True, kw_only=True)
class LineFault:
    """A fault with its place in the text; lines count from 1."""

    line: int
    path: Path
    reason: str


@dataclass(kw_only=True)
class Document:
    """What was read. `value` is None when nothing could be, and then `faults` says why.

    :param value: dict, list, str, int, bool; float for a number that is no plain integer, None
        for something refused that a fault is told of
    :param lines: the line of every path that stands in the text
    """

    value: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[LineFault] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Return the line of the path, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def refuse(self, line: int, path: Path, reason: str) -> None:
        """Note a fault."""
        self.faults.append(LineFault(line=line, path=path, reason=reason))


def read_document(text: str) -> Document:
    """Read one YAML document of at most MAX_BYTES bytes; raises nothing, whatever the text."""
    document = Document()
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        document.refuse(1, (), f"文件超过 {MAX_BYTES // 1_000_000} MB，请检查是否选错了文件")
        return document
    starts = [found.start() for found in Reader.NON_PRINTABLE.finditer(text)]
    for line in sorted({text.count("\n", 0, start) + 1 for start in starts[:100]}):
        document.refuse(line, (), _BAD_CHARACTER)
    if starts:
        return document
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem if isinstance(error, _TooDeep) else None
        document.refuse(mark.line + 1 if mark else 1, (), reason or _BAD_YAML)
    except (yaml.YAMLError, ValueError, OverflowError):  # "\UFFFFFFFF" is no character
        document.refuse(loader.line + 1, (), _BAD_YAML)
    else:
        if root is None:
            document.refuse(1, (), "文件是空的")
        else:
            document.value = _Walk(document, loader.refused).value(root, ())
    return document


class _TooDeep(yaml.MarkedYAMLError):
    """Stops the composer, which recurses, before Python's own stack ends."""


class _Loader(yaml.SafeLoader):
    """Composes nodes, and marks the ones that use what is not let in; builds no object."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.refused: dict[int, str] = {}  # id of a node → why
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()
            alias = yaml.ScalarNode(_TAG + "str", "", event.start_mark, event.end_mark)
            self.refused[id(alias)] = "不能使用 * 引用，请把内容写全"
            return alias
        event = self.peek_event()
        reasons = []
        if event.anchor is not None:
            reasons.append("不能使用 & 锚点，请删去")
        if event.tag is not None:
            reasons.append("不能使用 ! 标签，请删去")
        event.anchor = event.tag = None  # told of once; what follows is read as if it were plain
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooDeep(problem=f"嵌套超过 {MAX_DEPTH} 层", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if reasons:
            self.refused[id(node)] = "；".join(reasons)
        return node


class _Walk:
    """Turns nodes into plain values, noting lines and faults in the document."""

    def __init__(self, document: Document, refused: dict[int, str]) -> None:
        self._document = document
        self._refused = refused

    def value(self, node: yaml.Node, path: Path) -> object:
        line = node.start_mark.line + 1
        self._document.lines.setdefault(path, line)
        if reason := self._refused.get(id(node)):
            self._document.refuse(line, path, reason)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, path, line)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if id(key_node) in self._refused or not isinstance(key_node, yaml.ScalarNode):
                self._document.refuse(line, path, "冒号前应为一个简单的名称")
            elif _NOT_TEXT.search(key_node.value):
                self._document.refuse(line, path, _BAD_CHARACTER)
            elif key_node.value in values:
                self._document.refuse(line, (*path, key_node.value), "重复书写，只能保留一处")
            else:
                key = key_node.value
                self._document.lines[(*path, key)] = line
                values[key] = self.value(value_node, (*path, key))
        return values

    def _scalar(self, node: yaml.Node, path: Path, line: int) -> object:
        text: str = node.value
        if _NOT_TEXT.search(text):
            self._document.refuse(line, path, _BAD_CHARACTER)
            return None
        match node.tag.removeprefix(_TAG):
            case "null":
                self._document.refuse(line, path, "没有填写内容；不需要这一项时请整项删去")
                return None
            case "bool":
                return SafeConstructor.bool_values[text.lower()]
            case "int":
                return int(text) if _PLAIN_INTEGER.fullmatch(text) else _NOT_AN_INTEGER
            case "float":
                return _NOT_AN_INTEGER
            case _:  # dates too: their form is judged where one is wanted
                return text
