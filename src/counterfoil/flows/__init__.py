"""START HERE. The three ways through the house, a page each: mail, reconcile, rotate. No sockets, no SQL."""
