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


def _expected(ledger, called, signed, asked):
    """Judge every row; answer a count of (tenant, source, kind or "ours")."""
    utis = {(tenant, n) for tenant, n, outcome, known in ledger if known and outcome != "refused"}
    named = {(tenant, n) for tenant, n, outcome, known in ledger if known} | {(tenant, n) for tenant, n, _ in called}
    verdict, kinds, left = Counter(), {}, []
    for row in signed:
        tenant, n, success, _, _ = row
        if success and (tenant, n) in utis:
            verdict[tenant, "sign-ins", "ours"] += 1
        else:
            left.append(row)
    used = {(tenant, n) for tenant, n, success, _, _ in signed if success and (tenant, n) in utis}
    free = [
        [tenant, n, outcome]
        for tenant, n, outcome, known in ledger
        if (outcome in ("unknown", "refused") or not known) and not (known and (tenant, n) in used and outcome != "refused")
    ]
    sharing = {row for row in left if any(s[0] == row[0] and s[1] == row[4] for s in free)}
    joined = set()
    for outcomes, wanted in ((("refused",), (False,)), (("unknown", "issued"), (True, False))):
        for row in sorted(left, key=lambda row: row[1]):
            options = [s for s in free if s[0] == row[0] and s[1] == row[4] and s[2] in outcomes and row[2] in wanted]
            options = [s for s in options if row[2] or s[2] != "issued"]
            if row not in joined and options:
                free.remove(min(options, key=lambda s: ledger_place(s, ledger)))
                joined.add(row)
    own = named | {(row[0], row[1]) for row in joined if row[2]}
    tokens_named = {(tenant, n) for tenant, n, _, known in ledger if known}
    for row in left:
        tenant, n, success, print_, _ = row
        if row in joined:
            kind = "ours"
        elif row in sharing:
            kind = "unexplained"
        elif not success:
            kind = "attempted"
        elif (tenant, n) in {(t, m) for t, m, _ in called} - tokens_named:
            kind = "unexplained"
        else:
            kind = {SHA1: "stolen-certificate", STRANGE: "foreign-credential", "": "unexplained"}[print_]
        verdict[tenant, "sign-ins", kind] += 1
        if success and kind != "ours":
            kinds[tenant, n] = kind
    room = Counter(called)
    for tenant, n, crid, success in sorted(asked, key=lambda row: (not row[3], str(row[2]))):
        if (tenant, n) not in own:
            kind = kinds.get((tenant, n), "unexplained")
        elif room[tenant, n, crid] > 0:
            room[tenant, n, crid] -= 1
            kind = "ours"
        elif not called:
            kind = "ours"
        else:
            kind = "replayed-token" if success else "attempted"
        verdict[tenant, "graph-activity", kind] += 1
    return verdict


def ledger_place(stub, ledger):
    """Find where a stub stands in the ledger, since the first that fits is taken."""
    return next(place for place, (tenant, n, outcome, _) in enumerate(ledger) if [tenant, n, outcome] == stub)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(tokens, min_size=1, max_size=5, unique_by=lambda t: t[:2]),
    st.lists(calls, min_size=1, max_size=5),
    st.lists(signins, max_size=6, unique_by=lambda s: s[:2]),
    st.lists(graphs, min_size=2, max_size=8),
)
def test_the_queries_agree_with_a_plain_matcher(case_type, reading_pool, tmp_path_factory, ledger, called, signed, asked):
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

    expected = _expected(ledger, called, signed, asked)
    got = Counter()
    for tenant in answer.document["tenants"]:
        for entry in tenant["discrepancies"]:
            if entry["kind"] != "unseen":
                for row in entry["evidence"]:
                    got[tenant["tenant"], row["source"], entry["kind"]] += 1
    assert got == Counter({key: count for key, count in expected.items() if key[2] != "ours"})
