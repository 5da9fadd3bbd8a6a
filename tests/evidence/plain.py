"""A small matcher in plain Python: the reference that the queries are held to, row for row.

It shares nothing with the package: it takes the same inputs as lists of rows and goes by the words of
docs/reconcile.md, with dictionaries where the queries have joins.
"""

from collections import defaultdict
from datetime import timedelta

EARLIEST = {"id", "time", "file", "number"}


def fold(rows):
    """Make one row of all that have one record: what one exporter left out, another may have filled."""
    folded = {}
    for row in rows:
        kept = folded.setdefault(row["record"], {**row, "copies": 0})
        kept["copies"] += 1
        for name, value in row.items():
            if value is not None:
                other = kept[name]
                least = name in EARLIEST
                kept[name] = value if other is None else min(value, other) if least else max(value, other)
    return list(folded.values())


def low(text):
    """Lower a text, or nothing."""
    return None if text is None else text.lower()


class Plain:
    """The same results as the queries', by the same names, for the steps that decide."""

    def __init__(self, inputs):
        self.tokens, self.calls = inputs["tokens"], inputs["calls"]
        self.kinds = {row["operation"]: row for row in inputs["operations"]}
        self.raw = fold(inputs["uses_loaded"])
        self.messages = defaultdict(set)
        for row in inputs["call_names"]:
            self.messages[row["no"]].add(low(row["message"]))
        self.items = defaultdict(set)
        for row in inputs["items_loaded"]:
            self.items[row["record"]].add((row["message"], row["item"], row["folder"], row["crid"]))
        stubs = [*self.tokens, *self.calls, *inputs["credentials"]]
        self.apps = {row["app"] for row in stubs} - {None}
        self.own = {(row["tenant"], row["uti"]) for row in (*self.tokens, *self.calls) if row["uti"]}
        self.uses = self._ours()
        self.keys = defaultdict(list)
        for call in self.calls:
            if None not in self.key(call, "crid"):
                self.keys[self.key(call, "crid")].append(call)

    @staticmethod
    def key(row, crid):
        """Say under which token and client-request-id a row or a stub is."""
        return (row["tenant"], row["uti"], row[crid])

    def of(self, source):
        """Return the rows of one log that concern us."""
        return [row for row in self.uses if row["source"] == source]

    def _ours(self):
        """Keep what concerns our applications; settle the byte order of ids that were spelled as GUIDs."""
        signed = {
            (row["tenant"], row["uti"])
            for row in self.raw
            if row["source"] == "sign-ins" and row["uti"] and row["app"] in self.apps
        }
        known = self.own | signed
        found = []
        for row in self.raw:
            one, other = (row["tenant"], row["uti"]), (row["tenant"], row["uti_other"])
            other = other if row["uti_other"] else None
            if row["source"] == "directory-audit" or (row["app"] not in self.apps and not {one, other} & self.own):
                continue
            wanted = other if one not in known and other in known else one
            found.append({**row, "uti": wanted[1]})
        return found

    def signins_by_uti(self):
        """Step 1."""
        found = {}
        for row in self.of("sign-ins"):
            fits = [
                token["no"]
                for token in self.tokens
                if row["success"]
                and row["uti"]
                and (token["tenant"], token["uti"]) == (row["tenant"], row["uti"])
                and token["outcome"] != "refused"
            ]
            if fits:
                found[row["record"]] = min(fits)
        return found

    def signin_candidates(self):
        """Step 2: every sign-in and stub that share a request id or a correlation id."""
        done = self.signins_by_uti()
        found = {}
        for row in self.of("sign-ins"):
            if row["record"] in done:
                continue
            wide = {low(row["correlation_id"]), low(row["client_request_id"])} - {None}
            for token in self.tokens:
                free = token["outcome"] in ("unknown", "refused") or token["uti"] is None
                if not free or token["no"] in done.values() or token["tenant"] != row["tenant"]:
                    continue
                near = token["request_id"] is not None and token["request_id"] == row["request_id"]
                if near or token["correlation_id"] in wide:
                    found[row["record"], token["no"]] = 0 if near else 1
        return {(record, no, distance) for (record, no), distance in found.items()}

    def call_ranks(self):
        """Step 4: for each call of the log its stub, the place among rows of one key, and whether both agree."""
        rows = defaultdict(list)
        for row in self.of("graph-activity"):
            if (key := self.key(row, "client_request_id")) in self.keys:
                rows[key].append(row)
        found = set()
        for key, shown in rows.items():
            stubs = self.keys[key]
            method = min((stub["method"] for stub in stubs if stub["method"]), default=None)
            path = min((stub["path"] for stub in stubs if stub["path"]), default=None)

            def order(row, method=method, path=path):
                same = path is not None and row["path"] is not None and path.lower() == row["path"].lower()
                return (
                    method is None or row["method"] != method,
                    not same,
                    not row["success"],
                    row["time"] is None,
                    row["time"] or 0,
                    row["record"],
                )

            for place, row in enumerate(sorted(shown, key=order), 1):
                agrees = len(stubs) > 1 or self._agrees(method, path, row)
                found.add((row["id"], min(stub["no"] for stub in stubs), len(stubs), place, agrees))
        return found

    @staticmethod
    def _agrees(method, path, row):
        if method and row["method"] and method != row["method"]:
            return False
        if not path or not row["path"] or "{" in path or not path.startswith("/") or path.count("/") < 2:
            return True
        return path.lower() == row["path"].lower()

    def calls_matched(self):
        """Step 4."""
        return {(row, no) for row, no, stubs, place, agrees in self.call_ranks() if place <= stubs and agrees}

    def mailbox_matched(self):
        """Step 6."""
        found = set()
        for row in self.of("mailbox-audit"):
            items = self.items[row["record"]]
            stubs = self.keys.get(self.key(row, "client_request_id"), [])
            alone = not items and stubs and self._may(row, any(stub["effect"] == "change" for stub in stubs))
            if alone or (items and all(self._is_ours(row, item) for item in items)):
                found.add(row["record"])
        return found

    @staticmethod
    def _may(row, changes):
        return row["effect"] != "change" or changes

    def _is_ours(self, row, item):
        message, name, _, crid = item
        names = {low(message), low(name)} - {None}
        stubs = self.keys.get((row["tenant"], row["uti"], crid or row["client_request_id"]), [])
        if stubs and self._may(row, any(stub["effect"] == "change" for stub in stubs)):
            lists = any(stub["lists"] for stub in stubs)
            if message is None or not lists or any(names & self.messages[stub["no"]] for stub in stubs):
                return True
        told = crid is not None or row["client_request_id"] is not None
        return any(
            not (told and call["crid"])
            and (call["tenant"], call["uti"]) == (row["tenant"], row["uti"])
            and names & self.messages[call["no"]]
            and self._may(row, call["effect"] == "change")
            and ("@" not in (call["mailbox"] or "") or call["mailbox"] == low(row["mailbox"]))
            for call in self.calls
            if call["uti"]
        )

    def left_over(self, joined):
        """Say which rows no step explains."""
        ours = set(self.signins_by_uti()) | {row["record"] for row in joined}
        ours |= self.mailbox_matched()
        calls = {row for row, _ in self.calls_matched()}
        return {(row["id"], row["uti"]) for row in self.uses if row["record"] not in ours and row["id"] not in calls}

    def musts(self, joined):
        """Every row that has to be there by our stubs, and whether it is."""
        used = set(self.signins_by_uti().values()) | {row["no"] for row in joined}
        found = [
            ("sign-ins", token["no"], token["no"] in used)
            for token in self.tokens
            if token["outcome"] == "issued" and token["tenant"]
        ]
        found += [
            ("graph-activity", call["no"], None not in self.key(call, "crid") and self._shown(self.key(call, "crid")))
            for call in self.calls
            if call["tenant"] and self.kinds[call["operation"]]["graph"]
        ]
        return sorted(found + self._mailbox_musts())

    def _shown(self, key):
        """Say whether a key has its row; if stubs share it, as many as there have to be."""
        rows = [row for row in self.of("graph-activity") if self.key(row, "client_request_id") == key]
        if len(self.keys[key]) == 1:
            return bool(rows)
        wanted = sum(self.kinds[call["operation"]]["graph"] for call in self.keys[key])
        return 0 < len([row for row in rows if row["success"]]) >= wanted

    def _mailbox_musts(self):
        seen = defaultdict(set)
        for row in self.of("mailbox-audit"):
            for message, item, _, _ in self.items[row["record"]]:
                for name in {low(message), low(item)} - {None}:
                    seen[row["tenant"], row["uti"], name, row["effect"] == "change"].add((row["record"], row["time"]))
        last, due = {}, []
        for call in sorted(self.calls, key=lambda call: (call["time"], call["no"])):
            for message in self.messages[call["no"]]:
                access = (call["tenant"], call["mailbox"], message, call["effect"])
                before = last.get(access)
                last[access] = call["time"]
                fresh = before is None or call["time"] >= before + timedelta(hours=1)
                if fresh and call["tenant"] and self.kinds[call["operation"]]["mailbox"]:
                    key = (call["tenant"], call["uti"], message, call["effect"] == "change")
                    due.append((key, call["time"], call["no"]))
        return [("mailbox-audit", no, self._there(key, time, due, seen[key])) for key, time, no in due]

    @staticmethod
    def _there(key, time, due, rows):
        """Say whether an access has its row; where one token has several of a message, those about its time count."""
        times = [other for same, other, _ in due if same == key]
        if key[1] is None or len(times) == 1:
            return bool(rows) and key[1] is not None
        near = timedelta(minutes=30)
        there = {record for record, at in rows if at and abs(at - time) <= near}
        return 0 < len(there) >= len([other for other in times if abs(other - time) <= near])
