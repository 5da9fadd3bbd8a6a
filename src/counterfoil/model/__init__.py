"""The words everything else is said in: values only, no I/O, no decisions."""
