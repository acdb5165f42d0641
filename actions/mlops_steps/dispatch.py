"""Start a workflow on GitHub, by its API; apart from `ci`, as few runs need a client of HTTP."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request

from mlops_steps.errors import InfrastructureError

#: What GitHub's answer to a dispatch means for the one who wrote the workflow.
_HINTS = {
    401: ": the token is not valid",
    403: ": the job's token may not start workflows; it needs the permission `actions: write`",
    404: ": the repository has no such workflow, or the token may not see it",
    422: ": the workflow is not started by workflow_dispatch, or has no such input or branch",
}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an error: the token is for this address alone."""

    def redirect_request(self, *_: object) -> None:
        return None


def dispatch(name: str, inputs: dict[str, str]) -> None:
    """Start a workflow on the branch of this one, with the job's own token.

    Raises:
        InfrastructureError: GitHub did not start it, with its reason.
    """
    env = os.environ
    token = env.get("MLOPS_TOKEN", "").strip()
    # Checked here, because the HTTP client's own complaint would repeat it.
    if not token or not (token.isascii() and token.isprintable()):
        problem = "is empty" if not token else "holds characters that no token has"
        raise InfrastructureError(f"{name} could not be started: MLOPS_TOKEN {problem}")
    body = {"ref": env["GITHUB_REF"], "inputs": inputs}
    request = urllib.request.Request(  # noqa: S310 - the platform's own https address
        f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/actions/workflows/{name}.yml/dispatches",
        data=json.dumps(body).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=30):
            return
    except urllib.error.HTTPError as error:
        with error:
            said = f"HTTP {error.code} {error.reason}{_HINTS.get(error.code, '')}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = str(error) or type(error).__name__
    raise InfrastructureError(f"{name} could not be started: {said}")
