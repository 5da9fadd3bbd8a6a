"""Score an answer against the truth: precision, recall, abstention, and every false word by name."""

from dataclasses import dataclass, field

from counterfoil.cases.rows import Record


@dataclass(slots=True)
class Score:
    """How an answer did. The lists hold tenant names; ``wrong`` says what was told wrongly, and where."""

    tenants: int = 0
    touched: int = 0
    found: int = 0
    falsely_clean: list[str] = field(default_factory=list)
    falsely_touched: list[str] = field(default_factory=list)
    undetectable: list[str] = field(default_factory=list)
    abstained: list[str] = field(default_factory=list)
    unjustified: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether anybody was falsely clean or falsely touched."""
        return bool(self.falsely_clean or self.falsely_touched)

    def figures(self) -> Record:
        """Return the score as JSON; a ratio over nothing is null."""
        answered = self.found + len(self.falsely_touched)
        findable = self.touched - len(self.undetectable)
        return {
            "tenants": self.tenants,
            "touched": self.touched,
            "undetectable": self.undetectable,
            "precision": self.found / answered if answered else None,
            "recall": self.found / findable if findable else None,
            "abstention": len(self.abstained) / self.tenants if self.tenants else None,
            "falsely_clean": self.falsely_clean,
            "falsely_touched": self.falsely_touched,
            "abstained_without_excuse": self.unjustified,
            "told_wrongly": self.wrong,
        }


def score(truth: Record, answer: Record) -> Score:
    """Compare the answer of ``counterfoil reconcile --json`` with truth.json."""
    result = Score()
    answers = {entry["tenant"]: entry for entry in answer["tenants"]}
    for fact in truth["tenants"]:
        _judge(fact, answers.get(fact["tenant"]), result)
    known = {fact["tenant"] for fact in truth["tenants"]}
    result.wrong += [f"{tenant}: answered, but no such tenant" for tenant in answers if tenant not in known]
    return result


def _judge(fact: Record, entry: Record | None, result: Score) -> None:
    name = fact["name"]
    result.tenants += 1
    result.touched += fact["touched"]
    if fact["undetectable"]:
        result.undetectable.append(name)
    if entry is None:
        result.wrong.append(f"{name}: not in the answer")
        return
    state = entry["state"]
    if state == "touched" and not fact["touched"]:
        result.falsely_touched.append(name)
    elif state == "touched":
        result.found += 1
    elif state == "cannot-say":
        result.abstained.append(name)
        if not fact["excuses"]:
            result.unjustified.append(name)
    elif fact["touched"] and not fact["undetectable"]:
        result.falsely_clean.append(name)
    if not fact["undetectable"] and not fact["excuses"]:
        _compare(fact, entry, result)


def _compare(fact: Record, entry: Record, result: Score) -> None:
    """With complete logs every kind and every message must be told, and none that was not."""
    kinds = {discrepancy["kind"] for discrepancy in entry["discrepancies"]} - {"unseen"}
    if kinds != set(fact["kinds"]):
        result.wrong.append(f"{fact['name']}: kinds {sorted(kinds)}, in truth {sorted(fact['kinds'])}")
    if not fact["touched"]:
        return
    for effect in ("read", "changed"):
        for what in ("mailboxes", "messages", "items"):
            said, true = set(entry["radius"][effect][what]), set(fact[effect][what])
            if said != true:
                detail = f"{len(said - true)} too many, {len(true - said)} missing"
                result.wrong.append(f"{fact['name']}: {what} {effect}: {detail}")
