"""Certificates, key providers, the signer and the rotation table."""
