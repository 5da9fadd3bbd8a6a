"""Untrusted work in a process that cannot hurt us, bounded in time, memory and output."""
