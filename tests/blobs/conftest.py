"""Each test has an object store of its own: a fresh folder, or a fresh bucket of a private S3
server."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from pytest_django import Settings

from tests.support.services import free_port, stop, wait_for

KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The object store is this folder."""
    settings.BLOB_URL = f"file:{tmp_path}/objects"
    return tmp_path / "objects"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """moto's S3 on a loopback port: its address, and its process."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **KEYS},
    )
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"{address}/moto-api/", timeout=1).close()
        except OSError:
            return False
        return True

    try:
        wait_for(answers, 30, "moto answers")
        yield address, process
    finally:
        stop(process)


@pytest.fixture
def s3_url(
    s3_server: tuple[str, "subprocess.Popen[bytes]"],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> str:
    """The URL of a new bucket."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    address = s3_server[0]
    bucket = f"b{abs(hash(request.node.nodeid))}"
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
    client.create_bucket(Bucket=bucket)
    client.close()
    return f"s3://{bucket}/mail?endpoint={address}&region=us-east-1"
