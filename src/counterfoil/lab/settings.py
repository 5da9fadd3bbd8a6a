"""The dials of the laboratory: lives, lags, delays and faults, all in real seconds.

No clock is scaled: a drill that wants short token lives sets short token lives. A tenant may override
any of them (``Tenant.settings``).
"""

from dataclasses import dataclass

REALISTIC: dict[str, float] = {
    "signin_delay_min": 120.0,
    "signin_delay_max": 3600.0,
    "activity_delay_min": 120.0,
    "activity_delay_max": 1800.0,
    "audit_delay_min": 3600.0,
    "audit_delay_max": 86400.0,
    "directory_delay_min": 120.0,
    "directory_delay_max": 3600.0,
    "replication_seconds": 120.0,
    "read_lag_seconds": 5.0,
    "duplicate_share": 0.01,
    "blob_seconds": 300.0,
}
"""Delays as a tenant of Microsoft's sees them (its pages on log latency; nobody promises them)."""


@dataclass(slots=True)
class Settings:
    """What an operator of the laboratory may turn; shares are between 0 and 1.

    Attributes:
        token_life_min: Shortest life of an access token; the life is drawn between it and the longest.
        cae_life_min: The same for tokens of clients that declare ``cp1``.
        replication_seconds: How long the slowest token replica lags behind a change of keys, of
            ``accountEnabled`` or of a grant; each request meets a replica at random.
        read_lag_seconds: How long a Graph read of an application may show the state before a change.
        signin_delay_max: The longest time until a sign-in row may be seen; drawn between min and max.
        duplicate_share: Share of rows that arrive twice, the second time later.
        lost_share: Share of rows that never arrive, in any log; ``signin_lost_share`` and so on add to it for one.
        throttle_share: Share of Graph calls answered with 429 and ``Retry-After``.
        storm_seconds: How long a storm of 429 lasts once one has begun.
        error_share: Share of calls answered with 503 before anything is done.
        timeout_share: Share of changes that are done and then answered with 504 after ``hang_seconds``.
        cut_share: Share of changes that are done and then cut off in the middle of the answer.
        token_lost_share: Share of tokens that are issued, and whose answer is lost to a 504.
        bind_window_seconds: How long reads of a mailbox are gathered in one MailItemsAccessed row.
        bind_dedupe_seconds: How long a repeated access of the same kind leaves no row.
        bind_limit: Rows of MailItemsAccessed in a mailbox and a day before recording pauses.
        import_session_seconds: How long an import URL works (Microsoft's figure is not published).
        throttled_share: Share of token requests refused with AADSTS90055, the whole tenant being throttled.
        failed_signins_name_thumbprint: Whether a refused sign-in names the thumbprint that was tried
            (unconfirmed for Microsoft's; public samples carry none).
        unified_audit: Whether the tenant's unified audit log is on: off, there is no mailbox audit and no feed.
        umbrella_code: Whether whatever is wrong with an assertion has the old code AADSTS50012.
        graph_form_uti: Whether Graph spells ``uniqueTokenIdentifier`` as base64 of the GUID's text.
        exchange_guid_uti: Whether app-only mailbox rows spell ``UniqueTokenId`` as a GUID.
    """

    token_life_min: float = 3600.0
    token_life_max: float = 5400.0
    cae_life_min: float = 72000.0
    cae_life_max: float = 100800.0
    replication_seconds: float = 0.0
    replicas: int = 3
    read_lag_seconds: float = 0.0
    signin_delay_min: float = 0.0
    signin_delay_max: float = 0.0
    activity_delay_min: float = 0.0
    activity_delay_max: float = 0.0
    audit_delay_min: float = 0.0
    audit_delay_max: float = 0.0
    directory_delay_min: float = 0.0
    directory_delay_max: float = 0.0
    blob_seconds: float = 1.0
    duplicate_share: float = 0.0
    lost_share: float = 0.0
    signin_lost_share: float = 0.0
    activity_lost_share: float = 0.0
    audit_lost_share: float = 0.0
    directory_lost_share: float = 0.0
    throttle_share: float = 0.0
    storm_seconds: float = 0.0
    retry_after_seconds: float = 1.0
    error_share: float = 0.0
    timeout_share: float = 0.0
    hang_seconds: float = 0.0
    cut_share: float = 0.0
    token_lost_share: float = 0.0
    page_size: int = 10
    delta_page_size: int = 50
    bind_window_seconds: float = 120.0
    bind_dedupe_seconds: float = 3600.0
    bind_limit: int = 1000
    subscription_minutes: float = 4230.0
    subscription_minimum_minutes: float = 45.0
    import_session_seconds: float = 86400.0
    throttled_share: float = 0.0
    failed_signins_name_thumbprint: bool = False
    unified_audit: bool = True
    umbrella_code: bool = False
    graph_form_uti: bool = False
    exchange_guid_uti: bool = False
