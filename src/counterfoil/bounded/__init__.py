"""Untrusted work in a process that cannot hurt us: time, memory and output are bounded, and the isolation in force is reported."""
