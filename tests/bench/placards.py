"""Placards of 1,000 shops in one PDF: pages a second, and what of memory it takes."""

import time
from dataclasses import dataclass

from merchant_qr.payload import placard_code, placard_url
from merchant_qr.sheet import PlacardText, placards_pdf
from tests.bench.lane import Figures
from tests.bench.settlement import memory_mb

PAGES = 1_000
KEY = bytes(range(32))


@dataclass
class Sink:
    """Takes bytes and keeps none: what is measured is the drawing."""

    size: int = 0

    def write(self, data: bytes) -> int:
        """Count the bytes."""
        self.size += len(data)
        return len(data)


def printed(_: int) -> Figures:
    """Draw them on A5, in the process that is measured; the rounds do not matter."""
    idle_mb = memory_mb("VmRSS")
    sink = Sink()
    began_s = time.perf_counter()
    pages = placards_pdf(sink, (_text(n) for n in range(1, PAGES + 1)), title="码牌")  # type: ignore[arg-type]  # reportlab only writes
    took_s = time.perf_counter() - began_s
    yield "figure placard_pdf_pages_per_s", pages / took_s
    yield "figure placard_pdf_1000_mb", memory_mb("VmHWM")
    yield "placard_pdf_1000_more_mb", memory_mb("VmHWM") - idle_mb
    yield "placard_pdf_file_mb", sink.size / 1e6
    yield "wrong_answers", abs(pages - PAGES)


def _text(n: int) -> PlacardText:
    merchant_id = f"TJ{n:04d}"
    code = placard_code(merchant_id=merchant_id, serial=1, key=KEY)
    return PlacardText(
        merchant_name=f"街津口赫哲鳇鱼馆第{n}分店",
        merchant_id=merchant_id,
        serial=1,
        programme_name="2023年同江市消费券",
        url=placard_url("https://xfq.example.gov.cn", code),
    )
