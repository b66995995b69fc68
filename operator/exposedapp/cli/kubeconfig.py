# SPDX-License-Identifier: Apache-2.0
"""Loads the user's kubeconfig, and says what is wrong with one. Called by client.py."""

import logging
import os
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio import client, config

from exposedapp.cli.connection import ConnectionOptions
from exposedapp.cli.exit_codes import CommandError, ExitCode

DEFAULT_PATH = "~/.kube/config"

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

# Its warnings are about what is reported here.
logging.getLogger("kubernetes.aio.config.kube_config").setLevel(logging.CRITICAL)


async def load_kubeconfig(
    configuration: client.Configuration, connection: ConnectionOptions
) -> str | None:
    """Configure the client; the context's namespace, None when the context names none.

    Without a kubeconfig, inside a pod: the pod's own cluster. Raises CommandError when there is no
    usable configuration.
    """
    text = connection.kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_PATH
    existing = _existing_files(text)
    if not existing:
        if not connection.kubeconfig and not connection.context:
            namespace = _load_in_cluster_config(configuration)
            if namespace is not None:
                return namespace
        raise _no_cluster(f"there is no kubeconfig {text}: set KUBECONFIG or use --kubeconfig")
    _check_context(existing, connection.context)
    files = os.pathsep.join(map(str, existing))
    try:
        loader = await config.load_kube_config(
            files, connection.context, configuration, persist_config=False
        )
        context: Any = loader.current_context.get("context")
        return (context or {}).get("namespace")
    except (config.ConfigException, OSError, ValueError, TypeError, AttributeError) as error:
        raise _no_cluster(f"the kubeconfig {files} cannot be used: {error}") from error


def _existing_files(text: str) -> list[Path]:
    """The files of a list as KUBECONFIG has them, without those that do not exist."""
    paths = [Path(path).expanduser() for path in text.split(os.pathsep) if path]
    return [path for path in paths if path.exists()]


def _check_context(paths: list[Path], context: str | None) -> None:
    """Raise CommandError when the files cannot be read or have no such context."""
    names: list[str] = []
    current = context
    for path in paths:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            content = {} if content is None else content
            names += [item["name"] for item in content.get("contexts") or ()]
            current = current or content.get("current-context")
        except yaml.MarkedYAMLError as error:
            line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            raise _no_cluster(f"the kubeconfig {path}{line}: {error.problem}") from error
        except OSError as error:
            raise _no_cluster(f"the kubeconfig {path}: {error.strerror}") from error
        except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _no_cluster(f"{path} is not a kubeconfig") from error
    choices = f"it has {', '.join(names)}" if names else "it has none"
    files = os.pathsep.join(map(str, paths))
    if not current:
        raise _no_cluster(
            f"the kubeconfig {files} has no current context: use --context; {choices}"
        )
    if current not in names:
        raise _no_cluster(f"the kubeconfig {files} has no context {current}; {choices}")


def _no_cluster(message: str) -> CommandError:
    return CommandError(ExitCode.CLUSTER, message)


def _load_in_cluster_config(configuration: client.Configuration) -> str | None:
    """Configure the cluster of this pod; its namespace, or None outside of a cluster."""
    try:
        config.load_incluster_config(client_configuration=configuration)
        return SERVICE_ACCOUNT_NAMESPACE.read_text().strip()
    except (config.ConfigException, OSError):
        return None
