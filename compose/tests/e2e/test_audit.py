import json


def test_the_log_of_what_everybody_did_in_the_demo_fits_together(platform):
    done = platform.compose("audit", "verify", "--json")

    found = json.loads(done.stdout)
    assert (done.returncode, found["broken"]) == (0, None), done.stdout + done.stderr
    assert found["entries"] > 100
