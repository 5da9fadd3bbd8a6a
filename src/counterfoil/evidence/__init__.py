"""What the tenants' logs say: readers, ids, matching, coverage, blast radius."""
