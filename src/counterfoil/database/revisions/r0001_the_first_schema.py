"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Go up from the revision before."""
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("added", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False, comment="scrypt with its own salt"),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="goes up with the password: sessions of an older one end"
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("waves", sa.Text(), nullable=False, comment="JSON list of lists of places"),
        sa.Column("held", sa.Text(), nullable=True, comment="why the campaign holds; null while it runs"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "connection",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False, comment="our own name for it"),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("service_principal", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=True, comment="JSON list; null where unknown"),
        sa.Column(
            "current",
            sa.Integer(),
            nullable=True,
            comment="generation of the credential in use; null before there is one",
        ),
        sa.Column("fence", sa.Integer(), nullable=False, comment="a write under an older number is refused"),
        sa.PrimaryKeyConstraint("tenant_id", "app"),
    )
    op.create_index(op.f("ix_connection_tenant"), "connection", ["tenant"], unique=False)
    op.create_table(
        "connection_use",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False, comment="a job that died is forgotten then"),
        sa.PrimaryKeyConstraint("job"),
    )
    op.create_index(op.f("ix_connection_use_credential"), "connection_use", ["credential"], unique=False)
    op.create_table(
        "credential",
        sa.Column("credential", sa.Text(), nullable=False, comment="tenant/app/generation"),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("thumbprint_sha1", sa.Text(), nullable=False),
        sa.Column("thumbprint_sha256", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False, comment="DER"),
        sa.Column("marked", sa.BigInteger(), nullable=False, comment="number of the stub that says the state"),
        sa.PrimaryKeyConstraint("credential"),
    )
    op.create_index(op.f("ix_credential_tenant"), "credential", ["tenant"], unique=False)
    op.create_index(op.f("ix_credential_thumbprint_sha256"), "credential", ["thumbprint_sha256"], unique=False)
    op.create_table(
        "incident",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="what customers read"),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("reference"),
    )
    op.create_table(
        "ledger_entry",
        sa.Column(
            "leaf_index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False, comment="microseconds since 1970, UTC"),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True, comment="32 octets; null once erased or lost"),
        sa.Column("stub", sa.LargeBinary(), nullable=True, comment="the canonical octets; null once erased or lost"),
        sa.Column("entry", sa.LargeBinary(), nullable=False, comment="what the tree commits to, 33 octets"),
        sa.PrimaryKeyConstraint("leaf_index"),
    )
    op.create_index(
        "ledger_entry_subject", "ledger_entry", ["subject"], unique=False, sqlite_where=sa.text("subject IS NOT NULL")
    )
    op.create_table(
        "ledger_fact",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "ledger_node",
        sa.Column("level", sa.Integer(), nullable=False, comment="of tiles: 1 is the root of 256 leaves"),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_signed",
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signer", "sequence"),
        sa.UniqueConstraint("signer", "credential", "counter"),
    )
    op.create_table(
        "ledger_signer",
        sa.Column("id", sa.Text(), nullable=False, comment="the verifier key of the signer's stubs"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "ledger_witness",
        sa.Column("id", sa.Text(), nullable=False, comment="the key of the witness, type 0x04"),
        sa.Column("url", sa.Text(), nullable=False, comment="its submission prefix"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("client_address", sa.Text(), nullable=False),
        sa.Column("helo", sa.Text(), nullable=False),
        sa.Column("next_hop", sa.Text(), nullable=True),
        sa.Column("utf8", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_messages_gateway"), "messages", ["gateway"], unique=False)
    op.create_index(op.f("ix_messages_message_id"), "messages", ["message_id"], unique=False)
    op.create_index(op.f("ix_messages_outcome"), "messages", ["outcome"], unique=False)
    op.create_index(op.f("ix_messages_sender"), "messages", ["sender"], unique=False)
    op.create_index(op.f("ix_messages_sha256"), "messages", ["sha256"], unique=False)
    op.create_index(op.f("ix_messages_tenant"), "messages", ["tenant"], unique=False)
    op.create_index(op.f("ix_messages_time"), "messages", ["time"], unique=False)
    op.create_table(
        "tenants",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("added", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "account_grant",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False, comment="a tenant's name; the empty text is all of them"),
        sa.ForeignKeyConstraint(
            ["account"],
            ["account.name"],
        ),
        sa.PrimaryKeyConstraint("account", "role", "tenant"),
    )
    op.create_table(
        "campaign_place",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False, comment="tenant id and application, as the signer names them"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign"],
            ["campaign.id"],
        ),
        sa.PrimaryKeyConstraint("campaign", "tenant"),
    )
    op.create_index(op.f("ix_campaign_place_state"), "campaign_place", ["state"], unique=False)
    op.create_table(
        "dispositions",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.id"],
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_dispositions_message"), "dispositions", ["message"], unique=False)
    op.create_table(
        "domains",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("tls", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"],
            ["tenants.name"],
        ),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.create_index(op.f("ix_domains_tenant"), "domains", ["tenant"], unique=False)
    op.create_table(
        "held",
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("expires", sa.Text(), nullable=False),
        sa.Column("wanted_by", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.Text(), nullable=True),
        sa.Column("claimed", sa.Text(), nullable=True),
        sa.Column("last_words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.id"],
        ),
        sa.PrimaryKeyConstraint("message"),
    )
    op.create_index(op.f("ix_held_expires"), "held", ["expires"], unique=False)
    op.create_index(op.f("ix_held_next_try"), "held", ["next_try"], unique=False)
    op.create_table(
        "incident_entry",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True, comment="tenant id, where it concerns one tenant alone"),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"],
            ["incident.name"],
        ),
        sa.PrimaryKeyConstraint("incident", "number"),
    )
    op.create_table(
        "incident_notice",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False, comment="tenant id"),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of subject, page and text"),
        sa.ForeignKeyConstraint(
            ["incident"],
            ["incident.name"],
        ),
        sa.PrimaryKeyConstraint("incident", "tenant", "paper"),
    )
    op.create_table(
        "incident_scope",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False, comment="tenant id"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="this tenant's part of the answer, as it goes to him"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"],
            ["incident.name"],
        ),
        sa.PrimaryKeyConstraint("incident", "tenant"),
    )
    op.create_table(
        "recipients",
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("released", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.id"],
        ),
        sa.PrimaryKeyConstraint("message", "position"),
    )
    op.create_index(op.f("ix_recipients_address"), "recipients", ["address"], unique=False)
    op.create_table(
        "senders",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("added", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant"],
            ["tenants.name"],
        ),
        sa.PrimaryKeyConstraint("kind", "value"),
    )
    op.create_index(op.f("ix_senders_tenant"), "senders", ["tenant"], unique=False)
    op.create_table(
        "unheard",
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.id"],
        ),
        sa.PrimaryKeyConstraint("message"),
    )
