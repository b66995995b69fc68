# SPDX-License-Identifier: Apache-2.0
"""The status names each cause of a pod failure, with the message of the component that knows it."""

from dataclasses import replace

import pytest

from exposedapp.api.meta import Json
from exposedapp.exposure.endpoints import Endpoint
from exposedapp.status.observation import PodFailure
from exposedapp.status.pod_events import event_query, explain_pod
from exposedapp.status.pods import pod_failure, unexplained_pod
from support.causes import CAUSES, CLAIM_EVENT, EVENT, Cause
from support.snapshots import WELL, condition_values

every_cause = pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)


def judge(pods: list[Json], events: list[Json]) -> PodFailure | None:
    """The failure of the pods, by their statuses and the Events."""
    failure, pod = pod_failure(pods), unexplained_pod(pods)
    return explain_pod(pod, failure, events) if pod else failure


@every_cause
def test_the_cause_is_in_ready(cause: Cause) -> None:
    failure = judge(cause.pods, cause.events)
    seen = replace(WELL, deployment=cause.deployment, pod_failure=failure, endpoints=[])
    ready = cause.deployment["status"]["readyReplicas"]
    message = f"{ready} of 1 pods are ready. {cause.words}"
    if ready:
        seen = replace(seen, endpoints=[Endpoint("p", ready=True, terminating=False)])
    assert condition_values(seen) == ("False", cause.reason, message)
    assert condition_values(seen, "Reconciling") == ("True", cause.reason, message)


@every_cause
def test_events_are_read_only_where_the_status_is_silent(cause: Cause) -> None:
    pod = unexplained_pod(cause.pods)
    query = event_query(pod) if pod else None
    if cause.source in (EVENT, CLAIM_EVENT):
        assert query is not None
        assert all(query.matches(event) for event in cause.events)
    if judge(cause.pods, []) == (failure := judge(cause.pods, cause.events)):
        assert cause.source not in (EVENT, CLAIM_EVENT), failure
