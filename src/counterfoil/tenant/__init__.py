"""The one door to Microsoft 365: tokens, Graph, mailboxes, audit logs."""
