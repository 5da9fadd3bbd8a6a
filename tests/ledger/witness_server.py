"""A small witness, written from the C2SP texts alone: it shares no code with what it checks.

https://c2sp.org/tlog-witness, https://c2sp.org/tlog-cosignature, RFC 6962 section 2.1.2 for the proof.
"""

import base64
import hashlib
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def grown(old: int, new: int, proof: list[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """Follow SUBPROOF of RFC 6962 and return both roots that the proof leads to."""
    proof = list(proof)

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    def sub(m: int, n: int, *, whole: bool) -> tuple[bytes, bytes]:
        if m == n:
            one = old_root if whole else proof.pop(0)
            return one, one
        k = 1
        while k * 2 < n:
            k *= 2
        if m <= k:
            before, left = sub(m, k, whole=whole)
            return before, node(left, proof.pop(0))
        before, right = sub(m - k, n - k, whole=False)
        left = proof.pop(0)
        return node(left, before), node(left, right)

    both = sub(old, new, whole=True)
    if proof:
        raise ValueError("the proof is too long")
    return both


class Witness:
    """One witness on a free port of loopback; ``logs`` are those it knows: origin to (verifier key or None)."""

    def __init__(self, name: str = "witness.example/w1", now: int = 1_770_000_000) -> None:
        self.name, self.now = name, now
        self.private = Ed25519PrivateKey.generate()
        public = b"\x04" + self.private.public_key().public_bytes_raw()
        self.key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        self.key = f"{name}+{self.key_id.hex()}+{base64.b64encode(public).decode()}"
        self.logs: dict[str, str | None] = {}
        self.seen: dict[str, tuple[int, bytes]] = {}
        self.asked: list[bytes] = []
        self.forced: list[tuple[int, str, bytes]] = []  # what to answer instead, first come first served
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                owner.asked.append(body)
                if self.path != "/w/add-checkpoint":
                    status, kind, octets = 404, "text/plain", b"no such place"
                else:
                    status, kind, octets = owner.forced.pop(0) if owner.forced else owner.answer(body)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *words) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/w"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def know(self, log_key: str) -> None:
        """Take a log's key on."""
        self.logs[log_key.split("+", 1)[0]] = log_key

    def answer(self, body: bytes) -> tuple[int, str, bytes]:  # noqa: PLR0911 - one line an answer, as in the text
        """Do what the specification says, in its order."""
        head, _, note = body.partition(b"\n\n")
        old_line, *proof_lines = head.decode().split("\n")
        old = int(old_line.removeprefix("old "))
        proof = [base64.b64decode(line, validate=True) for line in proof_lines]
        text, _, signatures = note.rpartition(b"\n\n")
        text += b"\n"
        origin, size_line, root_line = text.decode().split("\n")[:3]
        size, root = int(size_line), base64.b64decode(root_line)
        if origin not in self.logs:
            return 404, "text/plain", b"unknown log\n"
        if not self._signed(text, signatures.decode(), self.logs[origin]):
            return 403, "text/plain", b"no trusted key\n"
        if old > size or len(proof) > 63:
            return 400, "text/plain", b"bad request\n"
        known, known_root = self.seen.get(origin, (0, hashlib.sha256(b"").digest()))
        if old != known or (old == size and root != known_root):
            return 409, "text/x.tlog.size", b"%d\n" % known
        if 0 < old < size:
            try:
                roots = grown(old, size, proof, known_root)
            except (ValueError, IndexError):
                return 422, "text/plain", b"bad proof\n"
            if roots != (known_root, root):
                return 422, "text/plain", b"bad proof\n"
        elif proof:
            return 422, "text/plain", b"bad proof\n"
        self.seen[origin] = (size, root)
        return 200, "text/plain; charset=utf-8", self.cosign(text)

    def cosign(self, text: bytes) -> bytes:
        """Return the signature line over a checkpoint's text."""
        signature = self.private.sign(b"cosignature/v1\ntime %d\n" % self.now + text)
        octets = self.key_id + struct.pack(">Q", self.now) + signature
        return f"\N{EM DASH} {self.name} {base64.b64encode(octets).decode()}\n".encode()

    @staticmethod
    def _signed(text: bytes, lines: str, log_key: str | None) -> bool:
        if log_key is None:
            return False
        name, key_id, encoded = log_key.split("+", 2)
        for line in lines.splitlines():
            _, signer, signature = line.split(" ")
            octets = base64.b64decode(signature)
            if (signer, octets[:4].hex()) == (name, key_id):
                try:
                    Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:]).verify(octets[4:], text)
                except InvalidSignature:
                    return False
                return True
        return False
