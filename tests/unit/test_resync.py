"""Apps that were deleted while nobody watched are found."""

import asyncio

import pytest

from exposedapp.cache import Cache, Key
from exposedapp.cluster import ApiError, Cluster, Kind
from exposedapp.resync import resync
from exposedapp.schema import Json


def app(name: str, version: int) -> Json:
    meta = {"namespace": "shop", "name": name, "uid": name, "resourceVersion": str(version)}
    return {"metadata": meta, "spec": {}}


class Server(Cluster):
    """Answers with what it was told, one after the other."""

    def __init__(self, *answers: Json | ApiError) -> None:  # without the real one's connection
        self.answers = list(answers)

    async def names(self, _: Kind) -> Json:
        if not self.answers:
            raise asyncio.CancelledError
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer


def listed(version: int, *names: str) -> Json:
    items = [{"metadata": {"namespace": "shop", "name": name}} for name in names]
    return {"metadata": {"resourceVersion": str(version)}, "items": items}


async def test_a_lost_deletion_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep
    monkeypatch.setattr("exposedapp.resync.asyncio.sleep", lambda _: sleep(0))
    cache, queued = Cache(), list[Key]()
    for body in (app("stays", 1), app("gone", 2), app("new", 30)):
        cache.apps.put(body)
    away = ApiError(0, "NoAnswer", "no answer from the API server")
    with pytest.raises(asyncio.CancelledError):
        await resync(Server(away, listed(20, "stays")), cache, queued.append)
    assert queued == [Key("shop", "gone")]
    assert {it.name for it in cache.apps} == {"stays", "new"}
