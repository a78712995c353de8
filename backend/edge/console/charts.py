"""Charts as data: what a picture draws is what its table says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Series over common labels; static/chart.js draws it, the macro adds the same as a table.

    Of a `heat` map each series is a row of squares, the darker the more.
    """

    title: str
    kind: Literal["bar", "line", "heat"]
    unit: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[int | float]]  # by name

    @property
    def data(self) -> str:
        """Return it as JSON, for the attribute that chart.js reads."""
        return json.dumps(
            {
                "kind": self.kind,
                "unit": self.unit,
                "labels": list(self.labels),
                "series": [{"name": n, "values": list(v)} for n, v in self.series.items()],
            },
            ensure_ascii=False,
        )

    @property
    def rows(self) -> list[tuple[str | int | float, ...]]:
        """Return its table: a label and the value of each series."""
        return list(zip(self.labels, *self.series.values(), strict=True))
