# SPDX-License-Identifier: Apache-2.0
"""Exposes an app, waits until it is Ready, and fetches its URL: `helm test`.

Runs in a pod of the operator's image, beside the operator; standard library only.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVER = "https://kubernetes.default.svc"
REQUEST_SECONDS = 10
POLL_SECONDS = 1
TEST_SECONDS = 120
NO_PROXY = urllib.request.ProxyHandler({})


def app(name: str, image: str, pull_secrets: list[dict[str, str]]) -> dict[str, Any]:
    """An app that the restricted Pod Security level allows, of an image that the cluster has."""
    container = {
        "name": "app",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "imagePullSecrets": pull_secrets,
        "containers": [container],
    }
    return {
        "apiVersion": "exposedapp.dev/v1alpha1",
        "kind": "ExposedApp",
        "metadata": {"name": name},
        "spec": {
            "image": image,
            "command": ["python3", "-m", "http.server", "8080", "--directory", "/app"],
            "ports": [{"port": 80, "targetPort": 8080}],
            "podTemplate": {"spec": pod},
        },
    }


class Apps:
    """The ExposedApps of the pod's namespace."""

    def __init__(self) -> None:
        trust = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
        https = urllib.request.HTTPSHandler(context=trust)
        self._opener = urllib.request.build_opener(NO_PROXY, https)
        self._token = (ACCOUNT / "token").read_text()
        namespace = (ACCOUNT / "namespace").read_text()
        self._path = f"/apis/exposedapp.dev/v1alpha1/namespaces/{namespace}/exposedapps"

    def request(self, method: str, name: str = "", body: object = None) -> dict[str, Any]:
        """The API server's response. Raises HTTPError with what it says; ends without any."""
        request = urllib.request.Request(  # noqa: S310 - the API server
            f"{SERVER}{self._path}{name and '/' + name}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=REQUEST_SECONDS) as response:
                parsed: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            sys.exit(
                f"This pod does not reach the API server ({SERVER}): {error}. Does a NetworkPolicy"
                " keep it from there? An app that it has created stays."
            )
        return parsed


def ready(status: dict[str, Any]) -> dict[str, Any]:
    """The condition Ready; empty before the first status."""
    conditions = status.get("conditions", [])
    return next((item for item in conditions if item["type"] == "Ready"), {})


def fetch(url: str) -> int:
    """The HTTP status of a URL; ends where there is none."""
    opener = urllib.request.build_opener(NO_PROXY)
    try:
        with opener.open(url, timeout=REQUEST_SECONDS) as response:
            code: int = response.status
    except urllib.error.HTTPError as error:
        sys.exit(f"The app is Ready, but {url} answers this pod with an error: {error}.")
    except OSError as error:
        sys.exit(
            f"The app is Ready, but {url} does not answer this pod: {error}. Does a NetworkPolicy"
            " keep it from there?"
        )
    return code


def main() -> None:
    """Expose the app, fetch its URL, delete the app; exit code 1 and a sentence when one fails."""
    name, apps, end = os.environ["APP"], Apps(), time.monotonic() + TEST_SECONDS
    body = app(name, os.environ["IMAGE"], json.loads(os.environ["PULL_SECRETS"]))
    try:
        apps.request("POST", body=body)
    except urllib.error.HTTPError as error:
        sys.exit(f"The app {name} cannot be created: {error.read().decode()}")
    try:
        while ready(status := apps.request("GET", name).get("status", {})).get("status") != "True":
            if time.monotonic() > end:
                sys.exit(f"The app {name} is not ready: {json.dumps(ready(status))}")
            time.sleep(POLL_SECONDS)
        print(f"{status['url']}: {fetch(status['url'])}")  # noqa: T201 - for helm test --logs
    finally:
        apps.request("DELETE", name)


if __name__ == "__main__":
    main()
