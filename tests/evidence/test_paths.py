"""What a request path asks for."""

import pytest

from counterfoil.evidence.paths import Asked, asked, effect_of, path_of

M = "alice@contoso.example"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"https://graph.microsoft.com/v1.0/users/{M}/messages/AAMk=/$value", Asked("message", M, None, "AAMk=")),
        (f"/beta/users('{M}')/mailFolders('inbox')/messages('AA')", Asked("message", M, "inbox", "AA")),
        (f"/v1.0/users/{M}/mailFolders/inbox/messages/delta?$deltatoken=x", Asked("listing", M, "inbox")),
        (f"/users/{M.replace('@', '%40')}/messages", Asked("listing", M)),
        (f"/users/{M}/sendMail", Asked("send", M)),
        (f"/users/{M}/messages/AA/reply", Asked("send", M)),
        (f"/users/{M}/mailFolders/inbox/messageRules/R1", Asked("rule", M, "inbox")),
        ("/subscriptions", Asked("subscription")),
        ("/admin/exchange/mailboxes/MBX/folders/F/items/I", Asked("message", "MBX", "F", "I")),
        ("/admin/exchange/mailboxes/MBX/exportItems", Asked("export", "MBX")),
        ("/users", Asked("other")),
        ("", Asked("other")),
    ],
)
def test_a_path_tells_mailbox_folder_and_message(path, told):
    """Both spellings of Graph paths come to the same mailbox, folder and item."""
    assert asked(path_of(path)) == told


@pytest.mark.parametrize(
    ("method", "path", "effect"),
    [
        ("GET", "/users", "read"),
        ("POST", "/$batch", "read"),
        ("POST", "/users/a/sendMail", "change"),
        (None, "/x", "none"),
    ],
)
def test_queries_sent_by_post_read(method, path, effect):
    """Only what changes something is a change."""
    assert effect_of(method, path) == effect
