"""Every key in Valkey. A campaign's keys carry one {tag}, so that a cluster keeps them together."""

PREFIX = "hq"


def quota(campaign_id: str) -> str:
    """Hash: epoch, state, opens_at_ms, ends_at_ms, the limits; by tier left:N, next:N, given:N."""
    return f"{PREFIX}:{{{campaign_id}}}:quota"


def held(campaign_id: str) -> str:
    """Hash: resident_id:tier -> the claims held, 'serial.claimed_at_ms.request_tag' with commas.

    The tag is empty for a claim that was loaded from SQL or restored by its receipt.
    """
    return f"{PREFIX}:{{{campaign_id}}}:held"


def days(campaign_id: str) -> str:
    """Hash: resident_id -> last day claimed on (yyyymmdd), for one tier a day."""
    return f"{PREFIX}:{{{campaign_id}}}:days"


def claims(campaign_id: str) -> str:
    """Stream: claims on their way to SQL."""
    return f"{PREFIX}:{{{campaign_id}}}:claims"


def live(campaign_id: str, second: int) -> str:
    """Hash: outcome -> claims, le:MS -> claims by latency, of one second since 1970; runs out."""
    return f"{PREFIX}:{{{campaign_id}}}:live:{second}"


def wechat_token(appid: str) -> str:
    """String: the mini-program's access_token, shared by all processes."""
    return f"{PREFIX}:wechat:{appid}:token"


def wechat_token_lock(appid: str) -> str:
    """String: who is fetching a new access_token."""
    return f"{PREFIX}:wechat:{appid}:token-lock"


def mark(key: str) -> str:
    """String beside a campaign's key: written so that WAIT has something to wait for."""
    return f"{key[: key.index('}') + 1]}:mark"
