"""Only the plain heart of YAML is read, and every path knows its line."""

import pytest

from backend.services.programme_yaml import MAX_BYTES, MAX_DEPTH, Document, read_document
from tests.unit.services.sample_programme import SAMPLE, changed, faults_of, line_with


def told(document: Document) -> list[tuple[int, tuple[str | int, ...], str]]:
    return [(fault.line, fault.path, fault.reason) for fault in document.faults]


def test_plain_values_are_read_with_their_lines() -> None:
    document = read_document("a: 1\nb:\n  - 二\n  - {c: true,\n     d: -7}\n")
    assert document.value == {"a": 1, "b": ["二", {"c": True, "d": -7}]}
    assert document.faults == []
    assert document.lines[("b",)] == 2
    assert document.lines[("b", 0)] == 3
    assert document.lines[("b", 1, "c")] == 4
    assert document.lines[("b", 1, "d")] == 5


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    document = read_document("a: 1\nb:\n  c: 2\n")
    assert document.line_of(("b", "missing", 3)) == 2
    assert document.line_of(("missing",)) == 1


@pytest.mark.parametrize("number", ["010", "0x1F", "0b11", "1_000", "1:30", "+5", "9" * 19])
def test_an_integer_that_yaml_and_a_clerk_may_read_differently_is_no_integer(number: str) -> None:
    [(line, where, reason)] = faults_of(changed(("total: 1105000", f"total: {number}")))
    assert (line, where) == (line_with(SAMPLE, "total:"), "programme.total")
    assert "应为整数" in reason


@pytest.mark.parametrize("number", ["0", "-1", "1105000", "9" * 18])
def test_a_plain_integer_is_one(number: str) -> None:
    assert read_document(f"a: {number}").value == {"a": int(number)}


@pytest.mark.parametrize("number", ["1.0", "1e5", "1.5e+3", ".inf", ".nan", "1105000.00"])
def test_a_float_is_no_amount_of_yuan(number: str) -> None:
    [(_, where, reason)] = faults_of(changed(("total: 1105000", f"total: {number}")))
    assert where == "programme.total"
    assert "应为整数" in reason


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("x: 0\na: &name 1", ("a",), "锚点"),
        ("x: 0\na: *name", ("a",), "引用"),
        ("x: 0\na: !!str 1", ("a",), "标签"),
        ("x: 0\na: ! 1", ("a",), "标签"),
        ("x: 0\na: !!python/object/apply:os.getcwd []", ("a",), "标签"),
        ("x: 0\nx: 1", ("x",), "重复书写"),
        ("x: 0\na:", ("a",), "没有填写内容"),
        ("x: 0\na: ~", ("a",), "没有填写内容"),
        ("x: 0\n? [a, b]\n: 1", (), "简单的名称"),
        ("x: 0\n&k a: 1", (), "简单的名称"),
        ('x: 0\na: "\\0"', ("a",), "控制字符"),
        ('x: 0\na: "\\ud800"', ("a",), "控制字符"),
        ('x: 0\n"\\ud800": 1', (), "控制字符"),
    ],
)
def test_what_makes_a_file_mean_more_than_it_shows_is_refused_with_its_line(
    text: str, path: tuple[str, ...], reason: str
) -> None:
    [(line, told_path, told_reason)] = told(read_document(text))
    assert (line, told_path) == (2, path)
    assert reason in told_reason


def test_a_merge_key_is_a_key_like_any_other_and_unknown() -> None:
    [(line, where, reason)] = faults_of(changed(("{id: TJ0001, ", "{<<: {}, id: TJ0001, ")))
    assert (line, where) == (line_with(SAMPLE, "TJ0001"), "merchants[0].<<")
    assert "没有这样的项目" in reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1, 2\nc: 3", 3),
        ("a: 1\n\tb: 2", 2),
        ("a: 1\n'b", 2),
        ("a: 1\n---\nb: 2", 2),
        ('a: 1\nb: "\\UFFFFFFFF"', 2),
        ("a: 1\nb: \x00", 2),
        ("a: 1\nb: \ud800", 2),
        ("a: 1\nb: \x07", 2),
    ],
)
def test_a_text_that_is_no_yaml_is_refused_at_the_line_it_breaks_in(text: str, line: int) -> None:
    document = read_document(text)
    assert document.value is None
    assert [fault.line for fault in document.faults] == [line]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n"])
def test_an_empty_text_is_refused(text: str) -> None:
    assert told(read_document(text)) == [(1, (), "文件是空的")]


@pytest.mark.parametrize("text", ["word", "[1, 2]", "7"])
def test_a_document_that_is_no_mapping_is_no_programme(text: str) -> None:
    assert faults_of(text) == [(1, "", "不是方案文件")]


def test_a_text_of_one_million_bytes_is_read_and_one_byte_more_is_not() -> None:
    full = SAMPLE + "#" * (MAX_BYTES - len(SAMPLE.encode()))
    assert read_document(full).faults == []
    [(line, _, reason)] = told(read_document(full + "#"))
    assert line == 1
    assert "超过 1 MB" in reason


def test_nesting_is_read_to_its_limit_and_no_deeper() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read_document(deepest).faults == []
    [(_, _, reason)] = told(read_document(f"[{deepest}]"))
    assert reason == "嵌套超过 10 层"


def test_all_that_yaml_may_not_do_is_told_together() -> None:
    document = read_document("a: &x 1\nb: *x\nc: !t 2\na: 3\nd:\n")
    assert [fault.line for fault in document.faults] == [1, 2, 3, 4, 5]
