"""One rollout: weight by weight, a look after each, and back to the champion if it must be."""

from __future__ import annotations

import contextlib
import math
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlops_steps.config import Deploy
from mlops_steps.deploy_canary import judge, proxy, servers
from mlops_steps.deploy_canary.judge import Counts, Decision, Judgement, Rules
from mlops_steps.deploy_canary.protocol import Wanted
from mlops_steps.deploy_canary.results import Arm, Canary, Journal, Latency, StepResult
from mlops_steps.deploy_canary.rows import Row
from mlops_steps.deploy_canary.servers import Release
from mlops_steps.deploy_canary.traffic import Answer, Replay
from mlops_steps.errors import InfrastructureError

#: After a roll back, this many requests show that the champion answers everything.
PROOF = 20


class NotServedError(Exception):
    """A version did not come up. `role` says which, the message why."""

    def __init__(self, role: str, message: str) -> None:
        """Keep the role beside the words."""
        super().__init__(message)
        self.role = role


@dataclass(frozen=True)
class Server:
    """A version that is being served."""

    release: Release
    process: subprocess.Popen[bytes]
    port: int
    ending: contextlib.ExitStack

    def died(self, *, within: float = 0) -> str:
        """How its server ended by itself, in so many seconds at the latest; empty while it runs."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            return ""
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        return f"the server of {self.release.version} ended by itself ({how})"


@dataclass(frozen=True)
class Stage:
    """Everything that runs: `champion` is None for a first release."""

    champion: Server | None
    candidate: Server
    proxy: proxy.Proxy


@contextlib.contextmanager
def stage(releases: Sequence[Release], deploy: Deploy, journal: Journal) -> Iterator[Stage]:
    """Serve the releases (champion first, if there is one) behind Envoy; end all on leaving.

    Logs are kept beside the journal.

    Raises:
        NotServedError: A version did not come up in `deploy.start_timeout_seconds`.
        InfrastructureError: Envoy did not start.
    """
    ports = servers.free_ports(len(releases))
    with contextlib.ExitStack() as all_of_it:
        running = {}
        for release, port in zip(releases, ports, strict=True):
            journal.note("starting", f"serve {release.role} {release.version} on port {port}")
            ending = all_of_it.enter_context(contextlib.ExitStack())
            log = journal.folder / f"{release.role}.log"
            process = ending.enter_context(servers.serving(release, port, log))
            running[release.role] = Server(release, process, port, ending)
        for role, server in running.items():
            log = journal.folder / f"{role}.log"
            reason = servers.why_not_ready(
                server.process, server.port, deploy.start_timeout_seconds, log
            )
            if reason:
                raise NotServedError(role, reason)
        backends = [
            proxy.Backend(role, each.release.version, each.port) for role, each in running.items()
        ]
        envoy = all_of_it.enter_context(proxy.running(backends, journal.folder))
        pids = {role: server.process.pid for role, server in running.items()}
        journal.note("starting", "all servers are ready", pids=pids)
        yield Stage(running.get("champion"), running["candidate"], envoy)


@dataclass(frozen=True)
class Traffic:
    """The requests that are sent, and what is an answer to them."""

    rows: Sequence[Row]
    wanted: Wanted


def walk(
    running: Stage, traffic: Traffic, deploy: Deploy, canary: Canary, journal: Journal
) -> list[Answer]:
    """Send traffic at every weight, judge after each, stop at the first decision.

    `canary` is filled, and written after every look. When the decision is anything but
    promote, the candidate's weight is 0 and its server ended before this returns.

    Returns:
        Every answer, in order of sending.

    Raises:
        InfrastructureError: The proxy itself did not answer.
        UndecidedError: A file that belongs to a row has gone.
    """
    weights = deploy.weights if running.champion else (100,)
    rules = Rules(deploy.alpha, len(weights), deploy.minimum_requests, deploy.maximum_error_share)
    model = running.candidate.release.config.model.name
    replay = Replay(traffic.rows, running.proxy.port, model, traffic.wanted)
    steps: list[judge.Step] = []
    answers: list[Answer] = []
    for weight in weights:
        begin = time.monotonic()
        journal.note("traffic", f"send {deploy.requests:,} requests", weight=weight)
        running.proxy.split(weight)
        batch = replay.send(deploy.requests)
        answers += batch
        steps.append(_count(batch, canary))
        looked = _look(running, steps, rules)
        canary.steps.append(_result(weight, steps, running, looked, time.monotonic() - begin))
        canary.decision, canary.rule, canary.words = looked.decision, looked.rule, looked.words
        _describe(canary, answers)
        canary.write(journal.folder)
        print(_line(canary.steps[-1], deploy.requests), flush=True)
        if looked.decision is not Decision.GO_ON:
            break
    if canary.decision != Decision.PROMOTE:
        answers += roll_back(running, replay, canary, journal)
        _describe(canary, answers)
        canary.write(journal.folder)
    return answers


def roll_back(running: Stage, replay: Replay, canary: Canary, journal: Journal) -> list[Answer]:
    """Weight 0 first, then end the candidate, then see that the champion answers everything."""
    version = canary.candidate
    journal.note("rolling back", f"weight 0, then end {version}: {canary.words}", weight=0)
    if not running.champion:
        running.candidate.ending.close()
        journal.note("rolled back", "there was no champion: nothing is served")
        return []
    running.proxy.split(0)
    running.candidate.ending.close()
    proof = replay.send(PROOF)
    wrong = sum(bool(each.error) or each.version != canary.champion for each in proof)
    canary.proof = Arm(requests=PROOF, errors=wrong)
    says = f"{canary.champion} got {PROOF} more requests, {wrong} of them failed"
    journal.note("rolled back", says)
    return proof


def _count(batch: Sequence[Answer], canary: Canary) -> judge.Step:
    """Both versions' counts, keyed by who answered."""
    lost = [each for each in batch if each.version not in {canary.champion, canary.candidate}]
    if lost:
        raise InfrastructureError(
            f"{len(lost):,} of {len(batch):,} requests got no answer from the proxy itself "
            f"({lost[0].error}): that says nothing about either version"
        )

    def counts(version: str | None) -> Counts:
        own = [each for each in batch if each.version == version]
        return Counts(len(own), sum(bool(each.error) for each in own))

    champion = counts(canary.champion) if canary.champion else Counts()
    return judge.Step(champion, counts(canary.candidate))


def _look(running: Stage, steps: Sequence[judge.Step], rules: Rules) -> Judgement:
    """The judge's word, unless a server is dead: then there is nothing left to compare."""
    for server, decision in (
        (running.champion, Decision.UNDECIDED),
        (running.candidate, Decision.ROLL_BACK),
    ):
        died = server.died() if server else ""
        if server and died:
            rule = f"the {server.release.role}'s server stays up"
            return Judgement(decision, rule, 0.0, rules.bound, died)
    if running.champion:
        return judge.compare(steps, rules)
    return judge.judge_alone(judge.total(step.candidate for step in steps), rules)


def _result(
    weight: int,
    steps: Sequence[judge.Step],
    running: Stage,
    looked: Judgement,
    seconds: float,
) -> StepResult:
    last = steps[-1]
    champion = Arm(requests=last.champion.requests, errors=last.champion.errors)
    return StepResult(
        weight=weight,
        champion=champion if running.champion else None,
        candidate=Arm(requests=last.candidate.requests, errors=last.candidate.errors),
        p_value=judge.p_value(steps) if running.champion else None,
        bound=looked.bound,
        decision=looked.decision,
        seconds=round(seconds, 3),
    )


def _describe(canary: Canary, answers: Sequence[Answer]) -> None:
    """Latencies and kinds of failure by version, of all answers so far."""
    for version in filter(None, (canary.champion, canary.candidate)):
        own = [each for each in answers if each.version == version]
        if own:
            seconds = sorted(each.seconds for each in own)
            canary.latency[version] = Latency(
                n=len(own), p50=_quantile(seconds, 0.5), p95=_quantile(seconds, 0.95)
            )
            canary.failures[version] = dict(Counter(each.error for each in own if each.error))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return round(ordered[math.ceil(share * len(ordered)) - 1], 6)


def _line(step: StepResult, sent: int) -> str:
    got = step.candidate.requests / sent
    arms = f"candidate {step.candidate.errors:,} of {step.candidate.requests:,} failed"
    if step.champion:
        arms += f", champion {step.champion.errors:,} of {step.champion.requests:,}"
    p = "" if step.p_value is None else f", p = {step.p_value:.2g} (bound {step.bound:.2g})"
    return f"  {step.weight:>3} % (got {got:.1%})  {arms}{p}: {step.decision}"
