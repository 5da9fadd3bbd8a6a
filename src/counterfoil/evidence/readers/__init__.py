"""Readers: whatever a customer can export comes out as uses, or as a reason why not."""
