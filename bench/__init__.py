"""Benchmarks: this project beside what people use today, in one run, as ratios; docs/performance.md has the results."""
