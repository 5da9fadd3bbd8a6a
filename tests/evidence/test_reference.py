"""The queries agree, row for row, with a small matcher in plain Python on ledgers and logs made at random.

The matcher below shares nothing with the package: it reads the same stubs and rows with its own few lines,
and says for every row whether it is ours and, if it is not, of which kind.
"""

import json
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TENANTS = ("11111111-1111-1111-1111-111111111111", "99999999-9999-9999-9999-999999999999")
SHA1 = "B45A29F60A83B210302B174E58386EFBB612EAA1"
STRANGE = "52ED9B5038A47B9E2E2190715CC238359D4F8F73"

# Few values, so that rows meet: most examples hold a match, a copy and a stranger.
numbers, tenants = st.integers(1, 3), st.sampled_from((TENANTS[0], TENANTS[0], TENANTS[1]))
few = st.sampled_from(["r1", "r1", "r2", None])
tokens = st.tuples(tenants, numbers, st.sampled_from(["issued", "issued", "unknown", "refused"]), st.booleans())
calls = st.tuples(tenants, numbers, st.sampled_from(["r1", "r1", "r2"]))
signins = st.tuples(tenants, numbers, st.booleans(), st.sampled_from([SHA1, STRANGE, ""]), numbers)
graphs = st.tuples(tenants, numbers, few, st.booleans())


class Plain:
    """The plain matcher: rows are tuples, and every judgement is counted by tenant, source and kind."""

    def __init__(self, ledger, called):
        self.called = called
        self.ledger = [list(stub) for stub in ledger]
        self.named = {(tenant, n) for tenant, n, _, known in ledger if known}
        self.from_calls = {(tenant, n) for tenant, n, _ in called}
        self.verdict, self.kinds, self.learned = Counter(), {}, set()

    def sign_ins(self, rows):
        """Steps 1, 2 and 5."""
        issued = {(tenant, n) for tenant, n, outcome, known in self.ledger if known and outcome != "refused"}
        ours = [row for row in rows if row[2] and row[:2] in issued]
        used = {row[:2] for row in ours}
        free = [
            stub
            for stub in self.ledger
            if (stub[2] != "issued" or not stub[3])
            and not (stub[3] and stub[2] != "refused" and (stub[0], stub[1]) in used)
        ]
        left = sorted((row for row in rows if row not in ours), key=lambda row: row[1])
        sharing = {row for row in left if any((stub[0], stub[1]) == (row[0], row[4]) for stub in free)}
        joined = self._join(left, free)
        for row in rows:
            kind = "ours" if row in ours or row in joined else self._kind(row, shares=row in sharing)
            self.verdict[row[0], "sign-ins", kind] += 1
            if row[2] and row in joined:
                self.learned.add(row[:2])
            elif row[2] and kind != "ours":
                self.kinds[row[:2]] = kind

    @staticmethod
    def _join(left, free):
        """Give refused stubs to failures first, then unknown ones to whatever is left, one row each."""
        joined = set()
        for refused in (True, False):
            for row in left:
                fits = [
                    stub
                    for stub in free
                    if (stub[0], stub[1]) == (row[0], row[4])
                    and (stub[2] == "refused") == refused
                    and not (row[2] and refused)
                    and (row[2] or stub[2] != "issued")
                ]
                if fits and row not in joined:
                    free.remove(fits[0])
                    joined.add(row)
        return joined

    def _kind(self, row, *, shares):
        if shares:
            return "unexplained"
        if not row[2]:
            return "attempted"
        if row[:2] in self.from_calls - self.named:
            return "unexplained"
        return {SHA1: "stolen-certificate", STRANGE: "foreign-credential", "": "unexplained"}[row[3]]

    def graph(self, rows):
        """Steps 4, 7 and 8."""
        own = self.named | self.from_calls | self.learned
        room = Counter(set(self.called))  # they are alike in all else: a stub that stands twice is one
        for tenant, n, crid, success in sorted(rows, key=lambda row: not row[3]):
            if (tenant, n) not in own:
                kind = self.kinds.get((tenant, n), "unexplained")
            elif room[tenant, n, crid] > 0:
                room[tenant, n, crid] -= 1
                kind = "ours"
            else:
                kind = "replayed-token" if success else "attempted"
            self.verdict[tenant, "graph-activity", kind] += 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ledger=st.lists(tokens, min_size=1, max_size=5, unique_by=lambda t: t[:2]),
    called=st.lists(calls, min_size=1, max_size=5),
    signed=st.lists(signins, max_size=6, unique_by=lambda s: s[:2]),
    asked=st.lists(graphs, min_size=2, max_size=8),
)
def test_the_queries_agree_with_a_plain_matcher(
    case_type, reading_pool, tmp_path_factory, *, ledger, called, signed, asked
):
    """Whatever the ledger and the logs hold, both ways to match give every row the same kind."""
    case = case_type(tmp_path_factory.mktemp("reference"), reading_pool)
    for tenant in TENANTS:
        case.connect(tenant)
        case.stubs[-1]["key_id"] = None
    for tenant, n, outcome, known in ledger:
        case.token(n, outcome=outcome, tenant=tenant, job=None, **({} if known else {"uti": None}))
        case.stubs[-1] |= {"key_id": None, "jti": None}
    for tenant, n, crid in called:
        case.call(n, crid, tenant=tenant, job=None)
    for tenant, n, success, print_, correlation in signed:
        case.signin(
            n, tenant=tenant, code=0 if success else 700027, servicePrincipalCredentialThumbprint=print_,
            servicePrincipalCredentialKeyId=None, correlationId=f"c0c0c0c0-{correlation:04d}",
        )  # fmt: skip
    for place, (tenant, n, crid, success) in enumerate(asked):
        row = case.graph(n, crid, f"req-{place}", responseStatusCode=200 if success else 404)
        case.calls[-1] = json.loads(json.dumps(row).replace(TENANTS[0], tenant))
    answer = case.answer()

    plain = Plain(ledger, called)
    plain.sign_ins(signed)
    plain.graph(asked)
    got = Counter()
    for tenant in answer.document["tenants"]:
        for entry in tenant["discrepancies"]:
            if entry["kind"] != "unseen":
                for row in entry["evidence"]:
                    got[tenant["tenant"], row["source"], entry["kind"]] += 1
    assert got == Counter({key: count for key, count in plain.verdict.items() if key[2] != "ours"})
