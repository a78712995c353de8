"""A fund report with long names, large amounts and more rows than a page holds."""

from typing import Any

from backend.domain.fund_reports import FIGURES, floor_lines


def sample(campaigns: int = 30) -> dict[str, Any]:
    amounts = dict.fromkeys(FIGURES, 0) | {
        "appropriated_fen": 110_500_000,
        "available_fen": 101_999_999,
        "vouchers_fen": 8_500_001,
        "spent_fen": 8_500_001,
        "unspent_fen": 101_999_999,
        "units": 5000,
        "units_claimed": 625,
        "units_used": 300,
    }
    none = {"fund_id": "FUND93", "quarter": "Q1", "mode": "", "floor_fen": 0}
    rows = [
        {"kind": "programme", "id": "", "name": "合计", **none, **amounts},
        {"kind": "fund", "id": "FUND93", "name": "促消费专项资金", **none, **amounts},
        {"kind": "pot", "id": "FUND93/Q1", "name": "促消费专项资金 Q1", **none, **amounts}
        | {"floor_fen": 20_000_000},
    ]
    names = ("=SUM(A1)", "中俄边境文化季暨赫哲文化节夜市啤酒节文旅联合消费券", "年货大集券")
    for n in range(campaigns):
        campaign = {"kind": "campaign", "id": f"Q1-{n:02d}", "name": names[n % 3]}
        rows.append({**campaign, **none, **amounts, "mode": "claim"})
    return {
        "as_of": "2023-03-31",
        "programme": "2023年同江市消费券",
        "lead_office": "市商务和口岸局",
        "edition": 2,
        "digest": "ab" * 32,
        "reason": "迟到的记录",
        "rows": rows,
        "floors": floor_lines(rows),
    }
