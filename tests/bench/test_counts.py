"""What a read costs may not grow: instructions, doorbells, interrupts. `make bench-count` shows them
by function; after a change that is worth its price, or that lowers them: count.py --update."""
import json

import count


def test_a_read_costs_no_more_than_before():
    figures, _ = count.count(count.JOBS)
    assert not count.grown(json.loads(count.COUNTS.read_text()), figures)
