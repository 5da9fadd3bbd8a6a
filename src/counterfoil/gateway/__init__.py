"""The wire: SMTP in, SMTP out, the milter, DNS, and the mail that is held."""
