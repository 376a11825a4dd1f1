"""What the developer portal's first guide tells a reader to type, typed on a real platform."""

import json
import os
import re
import subprocess

import pytest

from chassis.testing import eventually
from compose.demo import media
from compose.demo.actors import log_in_admin
from compose.demo.api import Api
from gateway.portal import guides

pytestmark = pytest.mark.timeout(300)

KEPT_FOR_LATER = "\nenv -0 > variables"
SECONDS_TO_ASK_AGAIN = 60


class Terminal:
    """Runs one block after the other, with the variables that a reader was told to keep."""

    def __init__(self, folder):
        self.folder = folder
        self.variables = {"PATH": os.environ["PATH"]}

    def type(self, snippet):
        def typed():
            answer = self.run(snippet.code)
            if snippet.until:
                field, value = snippet.until
                assert answer[field] == value, answer
            return answer or True

        answer = eventually(typed, SECONDS_TO_ASK_AGAIN if snippet.until else 0)
        if snippet.keep:
            name, field = snippet.keep
            self.variables[name] = answer[field]

    def run(self, code):
        done = subprocess.run(
            ["bash", "-euc", code + KEPT_FOR_LATER],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        entries = (self.folder / "variables").read_text().split("\0")
        self.variables |= dict(entry.split("=", 1) for entry in entries if entry)
        return json.loads(done.stdout) if done.stdout else {}


def the_reviewer(platform, url):
    """What the guide tells whoever runs a platform of their own to do."""
    printed = platform.compose("admin", "reviewer@gametriggers.example").stdout
    password = re.search(r"One-time password: (\S+)", printed).group(1)
    return log_in_admin(Api(url), "reviewer@gametriggers.example", password)


def test_the_first_guide_ends_with_a_campaign_that_runs(platform, tmp_path):
    url = platform.status()["addresses"]["gateway"]
    (tmp_path / "banner.png").write_bytes(media.banner("Acme Energy"))
    terminal = Terminal(tmp_path)

    for snippet in guides.read("first-campaign", url).snippets:
        if snippet.until == ("status", "approved"):
            campaign_id = terminal.variables["CAMPAIGN"]
            the_reviewer(platform, url).api.post(f"/v1/admin/campaigns/{campaign_id}/approve")
        terminal.type(snippet)

    brand = Api(url, terminal.variables["TOKEN"])
    assert brand.get(f"/v1/campaigns/{terminal.variables['CAMPAIGN']}")["status"] == "active"
    assert brand.get("/v1/wallet")["balances"]["escrow"]["amount_minor"] == 40_000
