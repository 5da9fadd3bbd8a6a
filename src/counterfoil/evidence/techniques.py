"""The ATT&CK techniques that we print: ids, names and tactics as data, pinned to Enterprise 18.1.

Source: mitre/cti, ATT&CK Enterprise v18.1. © 2025 The MITRE Corporation. Ids and names are reproduced with
the permission of The MITRE Corporation. Version 19 gives some techniques other ids; :data:`RENAMED` has them.
"""

from typing import Final

VERSION: Final = "18.1"

NAMES: Final = {
    "T1020": "Automated Exfiltration",
    "T1069.003": "Permission Groups Discovery: Cloud Groups",
    "T1070.008": "Indicator Removal: Clear Mailbox Data",
    "T1078.004": "Valid Accounts: Cloud Accounts",
    "T1087.004": "Account Discovery: Cloud Account",
    "T1098.001": "Account Manipulation: Additional Cloud Credentials",
    "T1098.002": "Account Manipulation: Additional Email Delegate Permissions",
    "T1098.003": "Account Manipulation: Additional Cloud Roles",
    "T1114.002": "Email Collection: Remote Email Collection",
    "T1114.003": "Email Collection: Email Forwarding Rule",
    "T1199": "Trusted Relationship",
    "T1213.002": "Data from Information Repositories: Sharepoint",
    "T1526": "Cloud Service Discovery",
    "T1528": "Steal Application Access Token",
    "T1530": "Data from Cloud Storage",
    "T1534": "Internal Spearphishing",
    "T1550.001": "Use Alternate Authentication Material: Application Access Token",
    "T1552.004": "Unsecured Credentials: Private Keys",
    "T1562.008": "Impair Defenses: Disable or Modify Cloud Logs",
    "T1564.008": "Hide Artifacts: Email Hiding Rules",
    "T1565.001": "Data Manipulation: Stored Data Manipulation",
    "T1671": "Cloud Application Integration",
}
"""Every technique we print, by id."""

TACTICS: Final = {
    "initial-access": ("T1199",),
    "persistence": ("T1078.004", "T1098.001", "T1098.002", "T1098.003", "T1671"),
    "credential-access": ("T1528", "T1552.004"),
    "defense-evasion": ("T1070.008", "T1550.001", "T1562.008", "T1564.008"),
    "discovery": ("T1069.003", "T1087.004", "T1526"),
    "lateral-movement": ("T1534",),
    "collection": ("T1114.002", "T1114.003", "T1213.002", "T1530"),
    "exfiltration": ("T1020",),
    "impact": ("T1565.001",),
}
"""The tactic under which a layer shows each; some techniques serve more, ours are seen doing this."""

TACTIC_OF: Final = {technique: tactic for tactic, techniques in TACTICS.items() for technique in techniques}

RENAMED: Final = {"T1562.008": "T1685.002"}
"""What version 19 calls those of ours that it renames; answers and layers keep the ids of 18.1."""
