"""Untrusted bytes are parsed in a process of their own, bounded in time, memory and output (law 12)."""
