"""The TypeScript client: compiled from the platform's own document, and used against it."""

import pytest

from compose import client
from compose.errors import ComposeError

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def gateway(platform):
    url = platform.status()["addresses"]["gateway"]
    client.build(url)
    return url


def test_the_client_logs_in_and_refreshes_once(gateway):
    printed = client.run_tests(gateway)

    assert "# pass 5" in printed
    assert "# fail 0" in printed


def test_what_does_not_compile_is_told(gateway):
    mistake = client.FOLDER / "src" / "mistake.ts"
    mistake.write_text("export const amount: number = 'five';\n")
    try:
        with pytest.raises(ComposeError, match="TS2322"):
            client.tool("typescript/bin/tsc", "--project", "tsconfig.json", "--noEmit")
    finally:
        mistake.unlink()
