# SPDX-License-Identifier: Apache-2.0
"""Types of spec.deployment: the fields mirror a Deployment's, with its names and shapes.

Pure.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from exposedapp.api.container_probe import MAX_INT32
from exposedapp.api.schema import Model, int_or_string, label_keys_rule, rules
from exposedapp.api.service import LabelValue

DEFAULT_PROGRESS_DEADLINE_SECONDS = 600

FOREIGN_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
)
"""What a manifest that was copied from a cluster has, and what others write on a Deployment: its
controller and `kubectl apply`."""

PodCount = Annotated[int | str, int_or_string(minimum=0, pattern="^[0-9]+%$", maxLength=10)]
"""A number of pods, or a percentage of the desired ones."""


class RollingUpdate(Model):
    """How many pods a rollout replaces at a time."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "![has(self.maxUnavailable) && (self.maxUnavailable in [0] "
                "|| self.maxUnavailable in ['0%']), has(self.maxSurge) "
                "&& (self.maxSurge in [0] || self.maxSurge in ['0%'])].all(zero, zero)",
                "maxUnavailable and maxSurge cannot both be 0: no pod could be replaced",
            )
        )
    )

    max_unavailable: PodCount | None = Field(
        default=None,
        description="How many pods may be missing during a rollout, as a number or a percentage, "
        "rounded down; default 25%. Also how many may be missing while the app is Ready.",
    )
    max_surge: PodCount | None = Field(
        default=None,
        description="How many pods may be added during a rollout, as a number or a percentage, "
        "rounded up; default 25%.",
    )


class DeploymentStrategy(Model):
    """How a rollout replaces pods."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.rollingUpdate) || !has(self.type) || self.type == 'RollingUpdate'",
                "rollingUpdate is for type RollingUpdate: remove it, or change the type",
            )
        )
    )

    type: Literal["RollingUpdate", "Recreate"] | None = Field(
        default=None,
        description="RollingUpdate (default): new pods start before old ones end. Recreate: all "
        "old pods end first, as a volume or a device needs that only one pod can have; the app "
        "does not answer meanwhile.",
    )
    rolling_update: RollingUpdate | None = Field(
        default=None, description="How many pods RollingUpdate replaces at a time."
    )


class DeploymentSpec(Model):
    """Settings of the app's Deployment that are not about its pods."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds "
                f": {DEFAULT_PROGRESS_DEADLINE_SECONDS}) "
                "> (has(self.minReadySeconds) ? self.minReadySeconds : 0)",
                "deployment.progressDeadlineSeconds (default "
                f"{DEFAULT_PROGRESS_DEADLINE_SECONDS}) must be greater than minReadySeconds",
            )
        )
    )

    strategy: DeploymentStrategy | None = Field(
        default=None, description="How a rollout replaces pods."
    )
    min_ready_seconds: int | None = Field(
        default=None,
        description="Seconds that a pod must have been ready before it counts as available; "
        "default 0. The app is not Ready earlier.",
        ge=0,
        le=MAX_INT32,
    )
    progress_deadline_seconds: int | None = Field(
        default=None,
        description="Seconds without progress after which a rollout has failed (reason "
        f"ProgressDeadlineExceeded); default {DEFAULT_PROGRESS_DEADLINE_SECONDS}.",
        ge=1,
        le=MAX_INT32,
    )
    revision_history_limit: int | None = Field(
        default=None,
        description="How many old ReplicaSets are kept; default 10.",
        ge=0,
        le=MAX_INT32,
    )
    labels: dict[str, LabelValue] | None = Field(
        default=None,
        description="Labels of the Deployment, besides the operator's own. Those of the pods are "
        "in podTemplate.metadata.",
        max_length=64,
        json_schema_extra=label_keys_rule("labels"),
    )
    annotations: dict[str, str] | None = Field(
        default=None,
        description="Annotations of the Deployment, such as those that Reloader or keel read.",
        max_length=64,
        json_schema_extra=label_keys_rule(
            "annotations",
            (
                f"!{list(FOREIGN_ANNOTATIONS)}.exists(key, key in self)",
                f"annotations must not have {' or '.join(FOREIGN_ANNOTATIONS)}, which others "
                "write: remove them",
            ),
        ),
    )
