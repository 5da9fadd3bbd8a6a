"""The command line: one module a command; arguments in, text or JSON out.

A command module offers ``add_arguments(parser)`` and ``run(arguments) -> int``, the exit code. It is
imported only when its command is asked for, so that ``counterfoil scan`` does not pay for the rest.
"""

COMMANDS = {
    "scan": "look into messages and files, and say what is wrong with them",
    "serve": "run the gateway, the milter and the console",
    "gateway": "show the gateway's own certificate, or take a new one into use",
    "tenant": "add, list, show and remove tenants, their domains and policies",
    "connection": "plan, import, test and list connections to Microsoft 365",
    "credential": "list credentials, create keys and standbys",
    "operator": "add, list, show and remove the console's accounts; their roles and passwords",
    "quarantine": "list, show, release and delete held messages",
    "track": "find a message and tell its whole story",
    "reconcile": "compare our stubs with a tenant's logs",
    "touched": "who was touched by somebody else's use of a certificate",
    "id": "show every spelling of a Microsoft 365 identifier",
    "incident": "open, contain, scope and report an incident",
    "rotate": "plan, apply, watch, hold, resume or rehearse a rotation",
    "ledger": "checkpoint, verify, prove or export the ledger",
    "lab": "run the laboratory Microsoft 365 on loopback",
    "simulate": "write exports and stubs of invented tenants, with the truth beside them",
    "score": "reconcile simulated cases and compare the answer with the truth",
    "drill": "practise a theft from alert to proof, in the laboratory",
    "signer": "run the signer, the only process that can use a private key",
    "doctor": "is it set up right? cause and fix of each finding; sends each domain one message, --offline none",
}
"""Every command in the order that ``counterfoil --help`` prints them."""
