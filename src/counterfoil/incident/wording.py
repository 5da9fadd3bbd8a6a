"""The words in which customers are told: headlines, kinds of misuse, logs, and why a log could not be judged."""

APART = "your logs hold findings about another credential: those are another matter, and we tell you of them apart"
HEADLINES = {
    "touched": "Somebody else used our connection to your Microsoft 365.",
    "cannot-say": "We cannot say yet whether somebody else used our connection to your Microsoft 365.",
    "clean": "We found no sign that somebody else used our connection to your Microsoft 365.",
    "not-concerned": "The certificate concerned is not on any connection of yours.",
}
KINDS = {
    "stolen-certificate": "it signed in with our certificate, and our records show no such sign-in of ours",
    "replayed-token": "it used an access token of our connection for calls that our records show we did not make",
    "foreign-credential": "it used a credential on our application that is not ours",
    "inside-use": "our own systems used the connection without a reason on record",
}
LOGS = {
    "sign-ins": "the sign-in log of our application",
    "graph-activity": "the Microsoft Graph activity log",
    "mailbox-audit": "the mailbox audit log",
    "directory-audit": "the directory audit log",
}
WHY = {
    "no-data": "we made no call of our own by which the log could be checked",
    "late": "the rows may still be on their way",
    "missing": "rows that our own calls must have left are not in it, so others may be lacking too",
    "throttled": "Microsoft stopped recording single accesses of a busy mailbox",
    "unlicensed": "your licence does not include this log",
    "beyond-retention": "the log is older than Microsoft keeps it",
    "not-exported": "this log was not given to us",
    "unknown-schema": "the log came in a form that we cannot read",
}
HEADLINES_APART = {
    "cannot-say": "We cannot say yet whether somebody else used this certificate in your Microsoft 365.",
    "clean": "We found no sign that somebody else used this certificate in your Microsoft 365.",
}
"""Where another credential has findings of its own, nothing is said of the connection as a whole."""
