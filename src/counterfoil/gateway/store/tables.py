"""The gateway's tables. Times are RFC 3339 text in UTC with microseconds always, so that they sort as they stand.

Trust: whoever can change ``domains`` can send a tenant's mail elsewhere; whoever can change
``senders`` can send as a tenant; whoever can change ``held`` and the held files together can
change what a release sends, and the ledger shows it: the disposition ``held`` carries the hash of the bytes.
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from counterfoil.database import metadata

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("display", sa.Text, nullable=False),
    sa.Column("added", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False, doc="JSON as scan.policy_document reads it; {} is the default policy"),
)

domains = sa.Table(
    "domains",
    metadata,
    sa.Column("domain", sa.Text, primary_key=True, doc="lower case, A-labels; the key makes it one tenant's only"),
    sa.Column("tenant", sa.ForeignKey("tenants.name"), nullable=False, index=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),
    sa.Column("tls", sa.Text, nullable=False, doc="a word of gateway.routing.Tls"),
)

senders = sa.Table(
    "senders",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True, doc="secret, range or certificate"),
    sa.Column("value", sa.Text, primary_key=True, doc="SHA-256 of the secret, a network, or a lower-case DNS name"),
    sa.Column("tenant", sa.ForeignKey("tenants.name"), nullable=False, index=True),
    sa.Column("added", sa.Text, nullable=False),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("time", sa.Text, nullable=False, index=True),
    sa.Column(
        "tenant", sa.Text, index=True, doc="no foreign key: the story outlives the tenant; null: refused unknown"
    ),
    sa.Column("direction", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("gateway", sa.Text, nullable=False, index=True, doc="whose data folder has its bytes; see app.state"),
    sa.Column("sender", sa.Text, nullable=False, index=True),
    sa.Column("client_address", sa.Text, nullable=False),
    sa.Column("helo", sa.Text, nullable=False),
    sa.Column("next_hop", sa.Text, doc="null behind the milter"),
    sa.Column("utf8", sa.Boolean, nullable=False, doc="needs SMTPUTF8 to be sent on"),
    sa.Column(
        "sha256",
        sa.Text,
        nullable=False,
        index=True,
        doc="of the content as it came; empty where it was refused before its end",
    ),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, index=True, doc="of the newest disposition; null while we are at work"),
    sa.Column("message_id", sa.Text, index=True),
    sa.Column("subject", sa.Text),
    sa.Column("verdict", sa.Text),
    sa.Column("action", sa.Text),
    sa.Column("report", sa.Text, doc="JSON: what a scan found and a policy decided (report.py)"),
)

recipients = sa.Table(
    "recipients",
    metadata,
    sa.Column("message", sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("address", sa.Text, nullable=False, index=True),
    sa.Column("released", sa.Text, doc="when the next hop took the held bytes for this recipient"),
)

dispositions = sa.Table(
    "dispositions",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("message", sa.ForeignKey("messages.id"), nullable=False, index=True),
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False, doc="the next hop's own words, or ours"),
    sa.Column("actor", sa.Text, nullable=False, doc="smtp, milter, policy, restart, or the operator's name"),
)

unheard = sa.Table(
    "unheard",
    metadata,
    sa.Column("message", sa.ForeignKey("messages.id"), primary_key=True, doc="a 250 is due, or was not heard so far"),
)

held = sa.Table(
    "held",
    metadata,
    sa.Column("message", sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False, doc="of the held bytes: as they came, our own headers on top"),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("expires", sa.Text, nullable=False, index=True),
    sa.Column("wanted_by", sa.Text, doc="who asked for the release; null while nobody has"),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("next_try", sa.Text, index=True, doc="null while no release is wanted"),
    sa.Column("claimed", sa.Text, doc="until when a try is under way; null between tries"),
    sa.Column("last_words", sa.Text, nullable=False, default="", doc="why the last try did not end in 250"),
)


def sortable(instant: datetime) -> str:
    """Spell an aware datetime so that text order is time order (``model.instant`` leaves out zero microseconds)."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def storable(text: str) -> str:
    """Make text from outside fit for any database: no lone surrogates, no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")
