# SPDX-License-Identifier: Apache-2.0
"""`exposedapp bundle`: all that a bug report needs, and no secret."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from exposedapp.cli.doctor.diagnosis.evidence import UrlProbe
from exposedapp.cli.redaction import lines_about, redact, redact_text
from exposedapp.kube.errors import ApiError
from exposedapp.version import __version__
from support.cli import HELLO, FakeKube, Run, with_spec

LOG = """\
2026-11-25 INFO exposedapp: shop/hello: created
2026-11-25 INFO exposedapp: shop/hello-two: created
2026-11-25 INFO exposedapp: other/hello: token abc
{"message": "x", "namespace": "shop", "name": "hello"}
{"message": "y", "namespace": "other", "name": "hello"}
2026-11-25 INFO exposedapp: shop/hello: GET https://me:geheim@host/
"""

OPERATOR_PODS = "/api/v1/pods"
POD_PATH = "/api/v1/namespaces/shop/pods"
DEPLOYMENT_PATH = "/apis/apps/v1/namespaces/shop/deployments/hello"
SERVICE_PATH = "/api/v1/namespaces/shop/services/hello"
SLICES_PATH = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
EVENTS_PATH = "/api/v1/namespaces/shop/events"


@pytest.fixture
def shop(
    kube: FakeKube, url_probes: dict[str, UrlProbe], monkeypatch: pytest.MonkeyPatch
) -> FakeKube:
    async def fetch(method: str, path: str, accept: str = "") -> bytes:
        kube.requests.append((method, path, None))
        return LOG.encode()

    monkeypatch.setattr(kube.transport, "fetch", fetch)
    pod = {"metadata": {"name": "op-1", "namespace": "exposedapp-system"}}
    kube.responses |= {OPERATOR_PODS: {"items": [pod]}, "/version": {"gitVersion": "v1.36.0"}}
    kube.set_app(with_spec({"env": [{"name": "PASSWORD", "value": "geheim"}]}))
    return kube


def files(path: Path) -> dict[str, str]:
    texts = {}
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content
            texts[member.name] = content.read().decode()
    return texts


def test_the_archive(run: Run, shop: FakeKube, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    result = run("bundle", "hello", "--file", str(path))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{path}\n"
    texts = files(path)
    assert set(texts) == {
        f"exposedapp-hello/{name}"
        for name in (
            "versions.yaml",
            "app.yaml",
            "children.yaml",
            "pods.yaml",
            "endpointslices.yaml",
            "events.yaml",
            "doctor.json",
            "operator-exposedapp-system.op-1.log",
        )
    }
    app = yaml.safe_load(texts["exposedapp-hello/app.yaml"])
    assert app["spec"]["env"] == [{"name": "PASSWORD", "value": "REDACTED"}]
    assert app["status"] == HELLO["status"]
    assert "geheim" not in "".join(texts.values())
    log = texts["exposedapp-hello/operator-exposedapp-system.op-1.log"].splitlines()
    assert [line.split(": ")[-1] for line in log[:1]] == ["created"]
    assert len(log) == 3


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/version", {"versions.yaml"}),
        (DEPLOYMENT_PATH, {"children.yaml"}),
        (SERVICE_PATH, {"children.yaml", "doctor.json"}),
        (POD_PATH, {"pods.yaml", "doctor.json"}),
        (SLICES_PATH, {"endpointslices.yaml", "doctor.json"}),
        (EVENTS_PATH, {"events.yaml"}),
        (OPERATOR_PODS, {"operator.log"}),
    ],
)
def test_what_may_not_be_read_is_reported_and_all_else_collected(
    run: Run, shop: FakeKube, tmp_path: Path, path: str, names: set[str]
) -> None:
    shop.responses[path] = ApiError(403, "Forbidden", "it is forbidden:\n- really")
    archive = tmp_path / "bundle.tar.gz"
    result = run("bundle", "hello", "--file", str(archive))
    assert (result.exit_code, result.stdout) == (0, f"{archive}\n"), result.stderr
    texts = files(archive)
    lines = ("# not readable: it is forbidden: - really\n", '"it is forbidden: - really"')
    assert {name for name in texts if any(line in texts[name] for line in lines)} == {
        f"exposedapp-hello/{name}" for name in names
    }
    for name in names:
        assert f"  {name}: not readable: it is forbidden: - really\n" in result.stderr
    assert result.stderr.count("not readable") == len(names)
    assert "geheim" not in "".join(texts.values())
    for name, text in texts.items():
        if name.endswith(".json"):
            assert json.loads(text)
        if name.endswith(".yaml"):
            assert all(isinstance(body, dict) for body in yaml.safe_load_all(text))


def test_one_child_of_two_may_be_read(run: Run, shop: FakeKube, tmp_path: Path) -> None:
    shop.responses[DEPLOYMENT_PATH] = ApiError(403, "Forbidden", "no Deployments")
    archive = tmp_path / "bundle.tar.gz"
    assert run("bundle", "hello", "--file", str(archive)).exit_code == 0
    text = files(archive)["exposedapp-hello/children.yaml"]
    assert text.endswith("# not readable: no Deployments\n")
    assert yaml.safe_load(text)["spec"]["type"] == "NodePort"


def test_versions(run: Run, shop: FakeKube, tmp_path: Path) -> None:
    archive = tmp_path / "bundle.tar.gz"
    run("bundle", "hello", "--file", str(archive))
    versions = yaml.safe_load(files(archive)["exposedapp-hello/versions.yaml"])
    assert versions == {"exposedapp": __version__, "kubernetes": "v1.36.0"}


def test_without_the_app_there_is_no_bundle(run: Run, shop: FakeKube, tmp_path: Path) -> None:
    shop.set_app(ApiError(403, "Forbidden", "it is forbidden"))
    archive = tmp_path / "bundle.tar.gz"
    result = run("bundle", "hello", "--file", str(archive))
    assert (result.exit_code, result.stderr) == (4, "Error: it is forbidden\n")
    assert not archive.exists()


def test_a_log_that_may_not_be_read(
    run: Run, shop: FakeKube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(method: str, path: str, accept: str = "") -> bytes:
        raise ApiError(403, "Forbidden", "no logs")

    monkeypatch.setattr(shop.transport, "fetch", refuse)
    archive = tmp_path / "bundle.tar.gz"
    result = run("bundle", "hello", "--file", str(archive))
    assert (
        files(archive)["exposedapp-hello/operator-exposedapp-system.op-1.log"]
        == "# not readable: no logs\n"
    )
    assert "  operator-exposedapp-system.op-1.log: not readable: no logs\n" in result.stderr


def test_a_file_that_cannot_be_written(run: Run, shop: FakeKube, tmp_path: Path) -> None:
    result = run("bundle", "hello", "--file", str(tmp_path / "missing" / "x"))
    assert (result.exit_code, "No such file or directory" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"env": [{"name": "A", "value": "b"}]}, {"env": [{"name": "A", "value": "REDACTED"}]}),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        ),
        (
            {"args": ["--port=80", "--password", "x", "-phunter2", "root:x", "--x y"]},
            {
                "args": [
                    "--port=REDACTED",
                    "--password",
                    "REDACTED",
                    "-pREDACTED",
                    "REDACTED",
                    "REDACTED",
                ]
            },
        ),
        ({"command": ["sh", "-c", "A=b run"]}, {"command": ["REDACTED", "-c", "REDACTED"]}),
        (
            {"httpHeaders": [{"name": "X-Api-Key", "value": "x"}]},
            {"httpHeaders": [{"name": "X-Api-Key", "value": "REDACTED"}]},
        ),
        (
            {"annotations": {"kapp.k14s.io/original": '{"env": []}'}},
            {"annotations": {"kapp.k14s.io/original": "REDACTED"}},
        ),
        (
            {"annotations": {"auth-token": "x", "note": "y"}},
            {"annotations": {"auth-token": "REDACTED", "note": "y"}},
        ),
        ({"metadata": {"managedFields": [1], "name": "n"}}, {"metadata": {"name": "n"}}),
        (
            {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
            {"annotations": {}},
        ),
        ({"a": 1, "b": None, "c": [True]}, {"a": 1, "b": None, "c": [True]}),
    ],
)
def test_what_is_taken_out(value: Any, expected: Any) -> None:
    assert redact(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://me:pw@host/x", "http://REDACTED@host/x"),
        ("postgres://me:p/w@x@host/x", "postgres://REDACTED@host/x"),
        ("password=hunter2 ends", "password=REDACTED ends"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer REDACTED"),
        ("x eyJhbGciOi.eyJzdWIi.sig y", "x REDACTED y"),
        ("nothing", "nothing"),
    ],
)
def test_credentials_in_texts(text: str, expected: str) -> None:
    assert redact_text(text) == expected


def test_lines_about_one_app_only() -> None:
    lines = lines_about(LOG, "shop", "hello").splitlines()
    assert len(lines) == 3
    assert not any("hello-two" in line or "other" in line for line in lines)
