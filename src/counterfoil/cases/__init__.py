"""Cases with ground truth: exports and stubs of invented tenants. Shares no code with what it tests."""
