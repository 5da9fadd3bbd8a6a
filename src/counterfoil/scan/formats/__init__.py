"""The file formats that we read ourselves, as structures: no budget, no findings, no decisions."""
