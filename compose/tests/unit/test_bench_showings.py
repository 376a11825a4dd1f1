"""The load of the ingest rows is what an overlay sends."""

import json
from itertools import pairwise

from compose.bench import showings
from compose.bench.crowd import Overlay
from compose.bench.rows import ingest
from compose.bench.showings import BATCH, Signer
from participation.domain.chain import Chain
from participation.domain.deliveries import read

KEY = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlISE"
OVERLAY = Overlay("t" * 43, "ses_1", KEY, f"prt_{'0' * 26}", f"crv_{'0' * 26}")


def sent(signer):
    head, _, body = signer.request("127.0.0.1:8000").partition(b"\r\n\r\n")
    assert int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]) == len(body)
    return json.loads(body)["deliveries"]


def test_every_showing_proves_itself_over_several_batches():
    signer = Signer(OVERLAY)
    chain = Chain("ses_1")

    batches = [sent(signer) for _ in range(2)]

    assert [len(batch) for batch in batches] == [BATCH, BATCH]
    assert [chain.admit(signer.key, read(raw)) for batch in batches for raw in batch] == [None] * 2 * BATCH


def test_one_showing_begins_when_the_one_before_has_ended():
    signer = Signer(OVERLAY)
    batch = sent(signer) + sent(signer)

    assert all(a["ended_at"] == b["started_at"] for a, b in pairwise(batch))


def test_shares_are_even_and_nothing_is_left_over():
    assert list(showings.shares(7, 3)) == [3, 2, 2]


def test_a_million_stored_deliveries_fit_into_a_day_and_under_the_highest_cap():
    windows = ingest.WINDOWS * ingest.WINDOW_BATCHES * BATCH
    of_each = (ingest.LEVELS[-1] + windows) / ingest.STREAMERS

    assert of_each * showings.SHOWING < showings.EARLIEST
    assert of_each <= 10_000
