"""A next hop for crash tests, in plain threads: it shares no code with the gateway that it checks."""

import random
import socketserver
import threading
import time
from collections import Counter


class Recorder:
    """Counts the messages that it said 250 to, by envelope sender.

    A message counts when its 250 is about to be sent: from then on the next hop has it. The answer is
    sometimes slow, so that a kill finds messages between its 250 and the gateway's.
    """

    def __init__(self, seed):
        self.taken = Counter()
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        recorder = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    self.talk()
                except OSError:
                    return  # the gateway was killed

            def talk(self):
                self.say("220 recorder")
                sender = ""
                while line := self.rfile.readline().decode():
                    verb = line[:4].upper().strip()
                    if verb == "EHLO":
                        self.say("250-recorder\r\n250 8BITMIME")
                    elif verb == "DATA":
                        self.say("354 go")
                        while (content := self.rfile.readline()) != b".\r\n":
                            if not content:
                                return
                        recorder.take(sender)
                        self.say("250 2.0.0 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        if verb == "MAIL":
                            sender = line.split("<")[1].split(">")[0]
                        self.say("250 2.0.0 ok")

            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

        return Handler

    def take(self, sender):
        with self._lock:
            self.taken[sender] += 1
            pause = self._random.choice((0, 0, 0.01, 0.05))
        time.sleep(pause)
