"""Tickets are given out without a trace."""

from datetime import timedelta

from backend import clock
from backend.domain import tickets as domain
from backend.services import tickets
from tests.factories import MAY, City
from tests.integration.edge.callers import stored


def test_a_ticket_names_its_resident_and_campaign_and_nothing_is_kept(city: City) -> None:
    before = stored()
    issued = [tickets.issue(campaign_id=MAY, resident_id=7) for _ in range(3)]
    assert stored() == before
    assert len({ticket.text for ticket in issued}) == 3
    said = domain.read(issued[0].text, token_key=city.settings.token_key)
    assert (said.campaign_id, said.resident_id, said.issued_ms) == (MAY, 7, clock.now_ms())
    assert issued[0].expires_at == clock.now() + timedelta(hours=1)
