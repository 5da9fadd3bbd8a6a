"""Score an answer against the truth: precision, recall, abstention, and every false word by name."""

from collections import Counter
from dataclasses import dataclass, field

from counterfoil.cases.rows import Record


@dataclass(slots=True)
class Score:
    """How an answer did. The lists hold tenant names; ``wrong`` says what was told wrongly, and where.

    ``justified`` counts abstentions by the fault that excuses them.
    """

    tenants: int = 0
    touched: int = 0
    found: int = 0
    falsely_clean: list[str] = field(default_factory=list)
    falsely_touched: list[str] = field(default_factory=list)
    undetectable: list[str] = field(default_factory=list)
    abstained: list[str] = field(default_factory=list)
    justified: Counter[str] = field(default_factory=Counter)
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
            "abstained_because_of": dict(sorted(self.justified.items())),
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
        fault = _excuse(fact, entry)
        if fault is None:
            result.unjustified.append(name)
        else:
            result.justified[fault] += 1
    elif fact["touched"] and not fact["undetectable"]:
        result.falsely_clean.append(name)
    if not fact["undetectable"] and fact["whole"]:
        _compare(fact, entry, result)


def _excuse(fact: Record, entry: Record) -> str | None:
    """Return the fault that justifies an abstention: one whose signs the answer gives as its reason."""
    said = {state for covered in entry["coverage"] for state in covered["states"]}
    said |= {discrepancy["rule"] for discrepancy in entry["discrepancies"]}
    return next((fault for fault, shows in fact["excuses"].items() if said & set(shows)), None)


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
    _compare_left(fact, entry, result)


def _compare_left(fact: Record, entry: Record, result: Score) -> None:
    """What outlives the theft must be named, and nothing else may be."""
    said = [left["what"].lower() for left in entry["radius"]["persistence"]]
    missing = [words for words in fact["left"] if not any(words.lower() in what for what in said)]
    if missing:
        result.wrong.append(f"{fact['name']}: left behind and not told: {', '.join(missing)}")
    if said and not fact["left"]:
        result.wrong.append(f"{fact['name']}: told as left behind, and never was: {', '.join(said)}")
