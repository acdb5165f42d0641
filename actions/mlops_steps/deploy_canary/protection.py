"""Whether the environment of this job is protected: asked before anything is served.

A pipeline names the environment, but only the platform's settings make it ask a person or
hold back other branches, and no file of the project shows them. What is asked:

GitHub: `GET /repos/OWNER/NAME/environments/ENVIRONMENT`, with the job's token (`actions: read`;
none is needed on public repositories). Required reviewers count, and so does a deployment
branch policy; a wait timer does not.

GitLab: the claim `environment_protected` of an ID token of this very job (`id_tokens`), since
a job's token may not ask for protected environments. Its signature is not verified: it comes
from where the job's own definition comes from, and who can change that could leave out the
question, too.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlops_steps import ci
from mlops_steps.errors import MlopsError, UndecidedError

if TYPE_CHECKING:
    from mlops_steps.record import Record

#: Variables that the pipelines set for this job.
NAME, TOKEN, ID_TOKEN = "MLOPS_ENVIRONMENT", "MLOPS_TOKEN", "MLOPS_ENVIRONMENT_JWT"
#: Marks everything that `mlops-init run` starts; there is no server to be asked.
LOCAL_RUN = "MLOPS_RUN"
#: Seconds to wait for an answer, and the most that is read of it.
PATIENCE, LARGEST = 20, 1_000_000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Protection:
    """What was found out, and how; `words` are for people."""

    state: Literal["protected", "unprotected", "unknown"]
    words: str


class UnprotectedError(MlopsError):
    """A real target, and nobody watches over who deploys to it."""

    exit_code = 1


def require(record: Record) -> None:
    """Refuse a real target that is not protected, unless mlops.yaml says that it may be so.

    A rehearsal is never refused; a finding tells what a real target would have met. Nothing
    is asked outside of CI.

    Raises:
        UnprotectedError: The environment is not protected.
        UndecidedError: That cannot be told.
    """
    found = look()
    if found is None:
        return
    deploy = record.config.deploy
    rule = f"environment-{found.state}"
    if found.state == "protected":
        record.find(rule, found.words, level="notice")
    elif str(deploy.target) == "local":  # the only one there is yet
        would = "A target other than local would have been refused"
        if deploy.unprotected == "allowed":
            would = "Any target would do, since mlops.yaml says deploy.unprotected: allowed"
        record.find(rule, f"{found.words}. {would}.", level="notice")
    elif deploy.unprotected == "allowed":
        allowed = "mlops.yaml says deploy.unprotected: allowed, so this goes on"
        record.find(rule, f"{found.words}; {allowed}", level="warning")
    else:
        kind = UnprotectedError if found.state == "unprotected" else UndecidedError
        raise kind(
            f"{found.words}\n`mlops-init protect` shows how to protect it; mlops.yaml can say "
            "deploy.unprotected: allowed.\nNothing was served, and no alias moved."
        )


def look() -> Protection | None:
    """Ask the platform; None where there is none (a laptop, a local run)."""
    if LOCAL_RUN in os.environ or ci.platform() == "local":
        return None
    return _github() if ci.platform() == "github" else _gitlab()


def _unknown(words: str) -> Protection:
    return Protection("unknown", f"whether the environment is protected cannot be told: {words}")


def _github() -> Protection:
    env = os.environ
    name, token = env.get(NAME, ""), env.get(TOKEN, "").strip()
    missing = [each for each in ("GITHUB_API_URL", "GITHUB_REPOSITORY", NAME) if not env.get(each)]
    if missing:
        return _unknown(f"{', '.join(missing)} not set for this job")
    if not (token.isascii() and token.isprintable()):
        return _unknown(f"{TOKEN} holds characters that no token has")
    path = f"{env['GITHUB_REPOSITORY']}/environments/{urllib.parse.quote(name, safe='')}"
    try:
        guards = _guards(_get(f"{env['GITHUB_API_URL']}/repos/{path}", token))
    except (LookupError, TypeError):
        return _unknown(f"{name}: the server's answer is not what GitHub answers")
    except ValueError as error:
        return _unknown(f"{name}: {error}")
    if guards:
        return Protection("protected", f"environment {name} is protected: {', '.join(guards)}")
    return Protection(
        "unprotected",
        f"environment {name} is not protected: no required reviewers, and any branch may deploy",
    )


_HINTS = {
    401: ": the token is not valid",
    403: f": the job needs the permission `actions: read`, and {TOKEN}",
    404: f": there is none of that name, or {TOKEN} may not see it (permission `actions: read`)",
}


def _guards(found: dict[str, Any]) -> list[str]:
    """What stands between a job and this environment, in words."""
    guards = []
    for rule in found["protection_rules"]:
        if rule["type"] == "required_reviewers" and rule["reviewers"]:
            count = len(rule["reviewers"])
            guards.append(f"{count} required reviewer{'s' if count > 1 else ''}, one has to agree")
    policy = found["deployment_branch_policy"]
    if policy is not None:
        kind = "protected branches" if policy["protected_branches"] else "certain branches"
        guards.append(f"only {kind} may deploy")
    return guards


def _gitlab() -> Protection:
    env = os.environ
    name = env.get("CI_ENVIRONMENT_NAME", "")
    if not name:
        return Protection("unprotected", "this job is in no environment")
    if not env.get(ID_TOKEN):
        return _unknown(f"{name}: {ID_TOKEN} is not set; the job needs it among its id_tokens")
    try:
        claims = _claims(env[ID_TOKEN])
        told = {key: str(claims[key]) for key in ("environment", "job_id", "environment_protected")}
        expired = float(claims["exp"]) < time.time()
    except (ValueError, KeyError, TypeError):
        return _unknown(f"{name}: {ID_TOKEN} is no ID token of a job with an environment")
    if expired or (told["environment"], told["job_id"]) != (name, env.get("CI_JOB_ID", "")):
        return _unknown(f"{name}: {ID_TOKEN} has expired, or is of another job or environment")
    if told["environment_protected"] == "true":
        return Protection("protected", f"environment {name} is protected, says GitLab")
    return Protection(
        "unprotected",
        f"environment {name} is not a protected environment, says GitLab (Premium has them)",
    )


def _claims(token: str) -> dict[str, Any]:
    """The payload of a JSON Web Token (RFC 7519), unverified.

    Raises:
        ValueError: It is none.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except binascii.Error:
        raise ValueError from None
    claims = json.loads(payload)
    if not isinstance(claims, dict):
        raise TypeError
    return claims


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an error: the token is for this address alone."""

    def redirect_request(self, *_: object) -> None:
        return None


def _get(address: str, token: str) -> Any:
    """What the server answers; a ValueError with the reason if it does not."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError("its address is not https, and a token is not sent in the clear")
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - checked above
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read(LARGEST))
    except urllib.error.HTTPError as error:
        with error:
            hint = _HINTS.get(error.code, "")
            raise ValueError(f"the server said HTTP {error.code}{hint}") from None
    except (OSError, http.client.HTTPException) as error:
        raise ValueError(str(error) or type(error).__name__) from None
