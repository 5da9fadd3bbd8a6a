"""Incidents: one record from the alarm to the last customer told, and the papers that are made from it."""
