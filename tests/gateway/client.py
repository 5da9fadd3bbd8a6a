"""A client that is not ours."""

import asyncio
import smtplib


async def send(port, raw, sender="ann@sender.example", to=("bob@tenant.example",), options=()):
    """Send one message with smtplib; return the replies of the recipients that were refused while others were not."""

    def talk():
        client = smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=30)
        try:
            return client.sendmail(sender, list(to), raw, mail_options=options)
        finally:
            client.close()

    return await asyncio.to_thread(talk)
