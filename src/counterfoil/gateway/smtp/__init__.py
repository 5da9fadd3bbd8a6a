"""An SMTP server without I/O (RFC 5321): bytes in, events and replies out."""
