"""Every key in Valkey. A campaign's keys carry one {tag}, so that a cluster keeps them together."""

PREFIX = "hq"


def quota(campaign_id: str) -> str:
    """Hash: epoch, state, opens_at_ms, ends_at_ms, the limits; by tier left:N, next:N, given:N …

    All of them, and what may change which: the headers of the Lua scripts. After a rebuild also
    what is kept for receipts; see reserve.py.
    """
    return f"{PREFIX}:{{{campaign_id}}}:quota"


def held(campaign_id: str, bucket: int) -> str:
    """Hash: a resident's field -> the claims he holds of this campaign; see held.py."""
    return f"{PREFIX}:{{{campaign_id}}}:held:{bucket}"


def buckets(campaign_id: str) -> str:
    """Bitmap: the buckets of held claims that exist, so that all are found without a scan."""
    return f"{PREFIX}:{{{campaign_id}}}:buckets"


def claims(campaign_id: str) -> str:
    """Stream: claims on their way to SQL."""
    return f"{PREFIX}:{{{campaign_id}}}:claims"


def live(campaign_id: str, second: int) -> str:
    """Hash: outcome -> claims, le:MS -> claims by latency, of one second since 1970; runs out."""
    return f"{PREFIX}:{{{campaign_id}}}:live:{second}"


def processes() -> str:
    """Sorted set: KIND:HOST:PID -> milliseconds of its last sign of life."""
    return f"{PREFIX}:processes"


def wechat_token(appid: str) -> str:
    """String: the mini-program's access_token, shared by all processes."""
    return f"{PREFIX}:wechat:{appid}:token"


def wechat_token_lock(appid: str) -> str:
    """String: who is fetching a new access_token."""
    return f"{PREFIX}:wechat:{appid}:token-lock"


def mark(key: str) -> str:
    """String beside a campaign's key: written so that WAIT has something to wait for."""
    return f"{key[: key.index('}') + 1]}:mark"
