"""Stubs, the Merkle tree over them, checkpoints, receipts."""
