"""The MITRE ATT&CK techniques that findings name, pinned to one version of ATT&CK Enterprise.

© 2025 The MITRE Corporation. Ids and names are reproduced with the permission of The MITRE Corporation.
"""

from typing import Final

VERSION: Final = "18.1"

PHISHING_ATTACHMENT: Final = "T1566.001"
PHISHING_LINK: Final = "T1566.002"
MALICIOUS_FILE: Final = "T1204.002"
MALICIOUS_LINK: Final = "T1204.001"
HTML_SMUGGLING: Final = "T1027.006"
SVG_SMUGGLING: Final = "T1027.017"
ENCRYPTED_FILE: Final = "T1027.013"
RIGHT_TO_LEFT: Final = "T1036.002"
SPACE_AFTER_NAME: Final = "T1036.006"
DOUBLE_EXTENSION: Final = "T1036.007"
MASQUERADED_TYPE: Final = "T1036.008"
VISUAL_BASIC: Final = "T1059.005"
POWERSHELL: Final = "T1059.001"
COMMAND_SHELL: Final = "T1059.003"
JAVASCRIPT: Final = "T1059.007"
VBA_STOMPING: Final = "T1564.007"
HIDE_ARTIFACTS: Final = "T1564"
TEMPLATE_INJECTION: Final = "T1221"
FORCED_AUTHENTICATION: Final = "T1187"
DYNAMIC_DATA_EXCHANGE: Final = "T1559.002"
OFFICE_TEMPLATE_MACROS: Final = "T1137.001"
IMPERSONATION: Final = "T1656"
EMAIL_SPOOFING: Final = "T1672"
MARK_OF_THE_WEB: Final = "T1553.005"

TECHNIQUES: Final = {
    PHISHING_ATTACHMENT: "Spearphishing Attachment",
    PHISHING_LINK: "Spearphishing Link",
    MALICIOUS_FILE: "Malicious File",
    MALICIOUS_LINK: "Malicious Link",
    HTML_SMUGGLING: "HTML Smuggling",
    SVG_SMUGGLING: "SVG Smuggling",
    ENCRYPTED_FILE: "Encrypted/Encoded File",
    RIGHT_TO_LEFT: "Right-to-Left Override",
    SPACE_AFTER_NAME: "Space after Filename",
    DOUBLE_EXTENSION: "Double File Extension",
    MASQUERADED_TYPE: "Masquerade File Type",
    VISUAL_BASIC: "Visual Basic",
    POWERSHELL: "PowerShell",
    COMMAND_SHELL: "Windows Command Shell",
    JAVASCRIPT: "JavaScript",
    VBA_STOMPING: "VBA Stomping",
    HIDE_ARTIFACTS: "Hide Artifacts",
    TEMPLATE_INJECTION: "Template Injection",
    FORCED_AUTHENTICATION: "Forced Authentication",
    DYNAMIC_DATA_EXCHANGE: "Dynamic Data Exchange",
    OFFICE_TEMPLATE_MACROS: "Office Template Macros",
    IMPERSONATION: "Impersonation",
    EMAIL_SPOOFING: "Email Spoofing",
    MARK_OF_THE_WEB: "Mark-of-the-Web Bypass",
}
"""Technique id to name, as in ATT&CK Enterprise ``VERSION``."""
