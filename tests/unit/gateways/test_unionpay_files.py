"""The ZM file in its wrapping: damaged, too large or somebody else's is refused."""

import base64
import io
import zipfile
import zlib
from datetime import date

import pytest

from backend.gateways.payments import unionpay_files
from backend.gateways.payments.unionpay_files import zm_file, zm_name
from backend.gateways.payments.unionpay_messages import MessageRefused

DAY = date(2023, 4, 28)
MERCHANT = "777230800000001"
NAME = zm_name(DAY, MERCHANT)


def wrapped(files: dict[str, bytes]) -> str:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return base64.b64encode(zlib.compress(out.getvalue())).decode()


def test_the_file_of_the_day_is_found_among_the_others() -> None:
    assert NAME == "INN23042888ZM_777230800000001"
    others = {NAME.replace("88ZM_", "88ZME_"): b"e", "RD2010_20230428.txt": b"r"}
    assert zm_file(wrapped({**others, NAME: b"zm"}), name=NAME) == b"zm"
    assert zm_file(wrapped({f"folder/{NAME}": b"zm"}), name=NAME) == b"zm"


def test_an_empty_file_and_none_at_all_are_two_things() -> None:
    assert zm_file(wrapped({NAME: b""}), name=NAME) == b""
    assert zm_file(wrapped({"RD2010_20230428.txt": b"r"}), name=NAME) is None


@pytest.mark.parametrize(
    "other", [zm_name(date(2022, 4, 28), MERCHANT), zm_name(DAY, "777230800000002")]
)
def test_a_file_of_another_day_or_merchant_is_refused(other: str) -> None:
    for files in ({other: b"zm"}, {NAME: b"zm", other: b"zm"}):
        with pytest.raises(MessageRefused, match="another"):
            zm_file(wrapped(files), name=NAME)


def test_a_damaged_file_is_refused() -> None:
    whole = wrapped({NAME: b"zm" * 1000})
    raw = base64.b64decode(whole)
    zipped = bytearray(zlib.decompress(raw))
    zipped[60] ^= 0xFF  # within the compressed record: its checksum tells
    for content in (
        "",
        "!",
        whole[: len(whole) // 8 * 4],
        base64.b64encode(b"no deflate").decode(),
        base64.b64encode(zlib.compress(b"no zip")).decode(),
        base64.b64encode(zlib.compress(bytes(zipped))).decode(),
    ):
        with pytest.raises(MessageRefused):
            zm_file(content, name=NAME)


def test_a_file_that_unpacks_to_more_than_a_citys_day_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = wrapped({NAME: b"0" * 5000})
    monkeypatch.setattr(unionpay_files, "MAX_FILE_BYTES", 5000)
    assert zm_file(content, name=NAME) == b"0" * 5000
    monkeypatch.setattr(unionpay_files, "MAX_FILE_BYTES", 4999)
    with pytest.raises(MessageRefused, match="too large"):
        zm_file(content, name=NAME)
    monkeypatch.setattr(unionpay_files, "MAX_FILE_BYTES", 20)
    with pytest.raises(MessageRefused, match="too large or cut off"):
        zm_file(content, name=NAME)
