"""What a notice may say, and what of it becomes a link."""

import pytest

from backend.domain.public_notices import PublicNoticeInvalid, check, paragraphs, pieces

BASE = "https://xfq.example.gov.cn"


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("题", "文"),
        ("题" * 60, "文" * 5000),
        ("<script>alert(1)</script>", "一行\n另一行\n\n又一段"),
    ],
)
def test_a_notice_of_visible_characters_within_its_lengths_is_taken(title: str, body: str) -> None:
    check(title=title, body=body)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("", "文"),
        (" ", "文"),
        ("题" * 61, "文"),
        ("题", ""),
        ("题", " \n "),
        ("题", "文" * 5001),
        ("两\n行", "文"),
        ("题", "a\x00b"),
        ("题", "倒\u202e着"),
        ("题", "半\ud800个"),
    ],
)
def test_what_is_empty_too_long_or_hidden_is_refused(title: str, body: str) -> None:
    with pytest.raises(PublicNoticeInvalid):
        check(title=title, body=body)


def test_blank_lines_part_paragraphs() -> None:
    assert paragraphs("一\n二\n\n \n三\n") == ["一\n二", "三"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("没有链接", [("没有链接", False)]),
        (
            f"请看{BASE}/merchants。谢谢",
            [("请看", False), (f"{BASE}/merchants", True), ("。谢谢", False)],
        ),
        (f"{BASE}/a, {BASE}", [(f"{BASE}/a", True), (", ", False), (BASE, True)]),
        ("https://evil.example/x", [("https://evil.example/x", False)]),
        (f"{BASE}.evil.example/x", [(f"{BASE}.evil.example/x", False)]),
        (f"{BASE}@evil.example", [(f"{BASE}@evil.example", False)]),
        ("javascript:alert(1)", [("javascript:alert(1)", False)]),
    ],
)
def test_only_addresses_of_our_own_host_become_links(
    text: str, expected: list[tuple[str, bool]]
) -> None:
    assert list(pieces(text, base_url=BASE)) == expected
