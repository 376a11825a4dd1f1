import json

from chassis.mongo import Mongo
from compose.operations.access import Access
from compose.stack import Stack
from identity.storage import MongoAuditLog


def test_the_log_of_what_everybody_did_in_the_demo_fits_together(platform):
    done = platform.compose("audit", "verify", "--json")

    found = json.loads(done.stdout)
    assert (done.returncode, found["broken"]) == (0, None), done.stdout + done.stderr
    assert found["entries"] > 100


def test_what_an_administrator_did_in_other_services_is_in_the_log_once(platform):
    access = Access.of(Stack.of(platform.environ))
    mongo = Mongo(access.mongo_uri, f"{access.database_prefix}identity")
    entries = [link.entry for link in MongoAuditLog(mongo).links()]
    mongo.close()

    acts = [entry for entry in entries if "service" in entry.details]
    assert {(act.details["service"], act.kind) for act in acts} >= {
        ("campaign", "campaign_approved"),
        ("streamer", "platform_verified"),
    }
    assert {act.actor[:4] for act in acts} == {"adm_"}
    assert all(act.details["session"].startswith("ses_") for act in acts)
    assert len({act.details["event"] for act in acts}) == len(acts)
