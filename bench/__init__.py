"""Benchmarks: this project beside what people use today, in one run, as ratios (DESIGN of each in its module)."""
