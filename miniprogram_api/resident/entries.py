"""A resident's own entries at scenic spots."""

from apiflask import APIBlueprint

from backend.services import entries as service
from miniprogram_api.presenters import EntryList, present_entry
from miniprogram_api.session import current_resident

resident_entries = APIBlueprint("resident_entries", __name__, tag="居民 resident")


@resident_entries.get("/entries")
@resident_entries.output(EntryList)
def list_own() -> dict[str, object]:
    """我的免票入园，最新的在前。"""
    found = service.list_of_resident(current_resident().id)
    return {"entries": [present_entry(entry) for entry in found]}
