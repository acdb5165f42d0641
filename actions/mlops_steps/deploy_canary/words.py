"""What a rollout says: one line that explains the verdict, then what did and did not happen."""

from __future__ import annotations

from mlops_steps.deploy_canary.judge import Decision
from mlops_steps.deploy_canary.results import Canary, Skew
from mlops_steps.record import Record
from mlops_steps.registry.version import Alias
from mlops_steps.spec import Status

REHEARSAL = "rehearsal: served and asked on this machine only, and ended with this step"
UNMOVED = "the champion stays the same while the candidate is compared with it"
STATUS = {
    Decision.PROMOTE: Status.PASS,
    Decision.ROLL_BACK: Status.FAIL,
    Decision.UNDECIDED: Status.UNDECIDED,
}


def announce(record: Record, champion: str | None, candidate: str) -> Canary:
    """An empty result that says how it is going to be judged."""
    deploy = record.config.deploy
    if champion:
        looks = len(deploy.weights)
        method = (
            f"Fisher's exact test, one-sided, each weight a stratum; alpha {deploy.alpha:g} "
            f"shared by {looks} looks"
        )
    else:
        method = f"Wilson's interval, {1 - deploy.alpha:.0%}"
        record.find(
            "first-release",
            f"there is no champion: {candidate} is judged alone, on at most "
            f"{deploy.maximum_error_share:.2%} errors",
            level="notice",
        )
    return Canary(champion=champion, candidate=candidate, method=method, alpha=deploy.alpha)


def already(record: Record, champion: Alias) -> Status:
    """Nothing to release: an earlier run has moved the alias, perhaps just before it was killed."""
    record.output("decision", "promote")
    record.say(
        f"{champion.version} is the champion already, since {champion.since}",
        f"the reason noted then: {champion.reason}",
        "No traffic was sent, nothing was moved.",
    )
    return Status.PASS


def reason(canary: Canary) -> str:
    """Why the alias moves, for whoever reads the registry."""
    return f"deploy-canary: {_road(canary)}; {canary.words}"


def not_served(canary: Canary, role: str, why: str) -> None:
    """A version did not come up: the candidate's own fault, or nothing to compare it with."""
    decision = Decision.ROLL_BACK if role == "candidate" else Decision.UNDECIDED
    canary.decision, canary.rule, canary.words = decision, f"the {role} can be served", why


def alias_moved(canary: Canary, why: str) -> None:
    """Another run promoted something in the meantime: what was compared is no longer in use."""
    canary.decision, canary.rule, canary.words = Decision.UNDECIDED, UNMOVED, why


def compared(canary: Canary, found: Skew, died: str) -> bool:
    """Whether serve answered as predict did; if not, `canary` says what is wrong.

    An answer that is an error is the traffic's to judge, unless most are.
    """
    if died:
        canary.rule, canary.words = "the candidate's server stays up", died
    elif 2 * found.compared < found.asked:
        kinds = sorted(found.failures.items(), key=lambda kind: (-kind[1], kind[0]))
        canary.rule = "serve answers the rows that predict answered"
        canary.words = f"{found.asked - found.compared} of {found.asked} rows failed: " + ", ".join(
            f"{count} x {kind}" for kind, count in kinds[:3]
        )
    elif found.differing:
        canary.rule = "serve answers as predict does"
        canary.words = (
            f"{found.differing} of {found.compared} rows were answered in another way by serve "
            f"than by predict, before any traffic (keys {', '.join(found.keys)}). {_apart(found)}"
        )
        if found.other_class:
            canary.words += f"; {found.other_class} of them have another prediction"
    else:
        return True
    canary.decision = Decision.ROLL_BACK
    return False


def _apart(found: Skew) -> str:
    return f"Answers are up to {found.furthest:.2g} apart, {found.tolerance:.2g} is allowed"


def tell(record: Record, canary: Canary) -> Status:
    """Fill the record from a finished rollout; returns the verdict."""
    decision = Decision(canary.decision)
    _figures(record, canary)
    lines = [
        f"{_role(canary, version)} {version}: {_arm(canary, version)}"
        for version in _versions(canary)
    ]
    judged = f" ({canary.method})" if canary.steps else ""
    lines += f"{canary.words}{judged}".splitlines()
    if canary.skew and canary.steps:
        rows = f"{canary.skew.compared} of {canary.skew.asked} rows"
        lines.append(f"serve answered {rows} as predict does. {_apart(canary.skew)}")
    if decision is Decision.PROMOTE:
        record.say(_road(canary), *lines, _moved(canary), REHEARSAL)
    else:
        headline = canary.rule + (f", at {canary.steps[-1].weight} %" if canary.steps else "")
        rule = f"canary-{decision.replace(' ', '-')}"
        record.find(rule, f"{canary.candidate}: {headline}: {canary.words}")
        lines += ["out/deploy-canary/canary.json · logs beside it · docs: deploy-canary"]
        record.say(headline, *lines, _not_moved(canary), REHEARSAL)
    return STATUS[decision]


def _figures(record: Record, canary: Canary) -> None:
    for version in _versions(canary):
        role = _role(canary, version)
        requests, errors = _totals(canary, version)
        if requests:
            record.figure(f"{role}_error_share", errors / requests, n=requests)
        if version in canary.latency:
            found = canary.latency[version]
            record.figure(f"{role}_p50", found.p50, unit="s", n=found.n)
            record.figure(f"{role}_p95", found.p95, unit="s", n=found.n)
    if canary.skew:
        method = "serve beside predict, before any traffic"
        record.figure("skew_rows", canary.skew.differing, n=canary.skew.compared, method=method)
    if canary.steps and canary.steps[-1].p_value is not None:
        record.figure("p_value", canary.steps[-1].p_value, method=canary.method)


def _versions(canary: Canary) -> list[str]:
    return [version for version in (canary.champion, canary.candidate) if version]


def _role(canary: Canary, version: str) -> str:
    return "champion" if version == canary.champion else "candidate"


def _totals(canary: Canary, version: str) -> tuple[int, int]:
    """Requests and errors of a version over the steps that were judged."""
    arms = [
        step.champion if version == canary.champion else step.candidate for step in canary.steps
    ]
    found = [arm for arm in arms if arm]
    return sum(arm.requests for arm in found), sum(arm.errors for arm in found)


def _arm(canary: Canary, version: str) -> str:
    requests, errors = _totals(canary, version)
    if not requests:
        return "was asked nothing"
    kinds = canary.failures.get(version, {})
    ranked = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    listed = ", ".join(f"{count:,} x {kind}" for kind, count in ranked[:3])
    said = f"{errors:,} of {requests:,} requests failed ({errors / requests:.2%})"
    latency = canary.latency[version]
    times = f"; p50 {latency.p50 * 1000:.0f} ms, p95 {latency.p95 * 1000:.0f} ms"
    return said + (f": {listed}" if listed else "") + times


def _road(canary: Canary) -> str:
    weights = [str(step.weight) for step in canary.steps]
    if weights[-1] != "100":
        weights.append("100")
    totals = [_totals(canary, version) for version in _versions(canary)]
    requests, errors = (sum(column) for column in zip(*totals, strict=True))
    return f"{' > '.join(weights)} %, {requests:,} requests, {errors:,} failed"


def _moved(canary: Canary) -> str:
    before = f"was {canary.champion}" if canary.champion else "there was none"
    return f"{canary.candidate} is the champion now ({before})"


def _not_moved(canary: Canary) -> str:
    if canary.rule == UNMOVED:
        return f"{canary.candidate} was not promoted; the alias was left where it points now."
    if not canary.champion:
        return f"{canary.candidate} was not promoted; there is still no champion."
    kept = f"{canary.candidate} was not promoted; the champion is still {canary.champion}"
    if not canary.proof:
        return f"{kept}, which never shared its traffic."
    sent, errors = canary.proof.requests, canary.proof.errors
    if errors:
        return f"{kept}. After the roll back {errors} of {sent} requests failed."
    return f"{kept}, which answers everything again ({sent} of {sent} requests)."
