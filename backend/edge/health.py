"""Whether this process lives, and whether it may be sent work."""

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel

from backend.services import health

blueprint = APIBlueprint("health", __name__, tag="运维 health")


class Healthy(BaseModel):
    """The process answers."""

    status: str


class Readiness(BaseModel):
    """`faults` names what is wrong. `ready` with faults: a part of a cluster is down, no more."""

    ready: bool
    faults: list[str]
    claims_backlog: int | None


NOT_READY: Any = {  # APIFlask types this parameter too narrowly
    "description": "Not to be sent work: the faults say why.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}}},
}


@blueprint.get("/healthz")
@blueprint.output(Healthy)
def healthz() -> dict[str, str]:
    """Say that the process lives; asks nothing else."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@blueprint.output(Readiness)
@blueprint.doc(responses={503: NOT_READY})
def readyz() -> tuple[dict[str, object], int]:
    """Say whether SQL, Valkey and the quota can be relied on; 503 names what cannot."""
    state = health.readiness()
    answer: dict[str, object] = {
        "ready": state.ready,
        "faults": list(state.faults),
        "claims_backlog": state.claims_backlog,
    }
    return answer, 200 if state.ready else 503
