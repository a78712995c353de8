"""The sample's programme with as many units as a load wants."""

from collections.abc import Mapping

import yaml

from tests.factories import MAY, SAMPLE


def sample(units: Mapping[int, int]) -> str:
    """Return the sample programme, its 五一乐购券 with other counts and the money for them."""
    programme = yaml.safe_load(SAMPLE.read_text())
    campaign = next(c for c in programme["campaigns"] if c["id"] == MAY)
    more = 0
    for position, count in units.items():
        tier = campaign["tiers"][position - 1]
        more += tier["face"] * (count - tier["count"])
        tier["count"] = count
    fund = next(fund for fund in programme["funds"] if fund["id"] == campaign["fund"])
    for holder, field in (
        (campaign, "amount"),
        (fund, "amount"),
        (fund["quarter_ceilings"], campaign["quarter"]),
        (programme["programme"], "total"),
    ):
        holder[field] += more
    return yaml.safe_dump(programme, allow_unicode=True, sort_keys=False)
