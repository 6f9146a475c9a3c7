"""An S3 server for the tests that need one."""

from collections.abc import Iterator

import fsspec
import pytest

from datasets.files.output import Output


@pytest.fixture(scope="module")
def bucket(request: pytest.FixtureRequest) -> Iterator[str]:
    """Start an S3 server of its own and return the URL of a bucket in it."""
    moto_server = pytest.importorskip("moto.server")
    patch = pytest.MonkeyPatch()
    server = moto_server.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # What a server holds outlives it within a process, so that each module has a bucket of its own.
    name = request.module.__name__.rpartition(".")[2].replace("_", "-")
    # A kept file system would go on with the server of an earlier test.
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    files = Output(f"s3://{name}")._files
    files.mkdir(name)
    yield f"s3://{name}"
    files.clear_instance_cache()
    server.stop()
    patch.undo()
