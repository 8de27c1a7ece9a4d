import json

import numpy as np

GOOD = "good great lovely solid wonderful excellent perfect".split()
BAD = "bad awful poor broken terrible useless dull".split()
SHORT = "the a is was it with and this".split()
BOOKS = "plot author chapter story reader ending character page".split()
KITCHEN = "blade pan handle oven lid bowl steel mixer".split()


def write_reviews(path, rng, words, n=160, *, labels=True):
    """Reviews of one kind of goods, one object a line."""
    truth = []
    with path.open("w", encoding="utf-8") as file:
        for i in range(n):
            good = bool(rng.random() < 0.5)
            text = [*rng.choice(words, 7), *rng.choice(GOOD if good else BAD, 3), *rng.choice(SHORT, 8)]
            rng.shuffle(text)
            review = {"review_id": f"{path.stem[0]}{i:04d}", "review": " ".join(text).capitalize() + "."}
            truth.append("positive" if good else "negative")
            file.write(json.dumps(review | ({"sentiment": truth[-1]} if labels else {})) + "\n")
    return truth


def test_a_shop_transfers_sentiment_from_books_to_kitchenware(desk):
    """A shop has judged reviews of books, and wants to judge those of kitchenware, in files of JSON lines.

    The running text is recognised, the number of the review is no feature and is carried into the predictions.
    """
    rng = np.random.default_rng(6)
    write_reviews(desk.folder / "books.jsonl", rng, BOOKS)
    truth = write_reviews(desk.folder / "kitchen.jsonl", rng, KITCHEN, labels=False)
    before = desk.checksums()

    seen = desk.run("inspect", "books.jsonl", "kitchen.jsonl", "--label", "sentiment")
    assert "1 column used (1 text) as " in seen.text
    assert "'review_id' has a different text in each row" in seen.text
    assert "Target kitchen: 160 samples; no labels" in seen.text and "review text yes" in seen.text

    shift = desk.run("measure", "books.jsonl", "kitchen.jsonl", "--label", "sentiment")
    assert "Shift: " in shift.text
    run = desk.transfer("books.jsonl", "kitchen.jsonl", "--label", "sentiment", "--id", "review_id")
    columns = {c["name"]: c for c in run.result["inspection"]["columns"]}
    assert columns["review"]["kind"] == "text" and not columns["review_id"]["used"]

    done = desk.predict("kitchen.jsonl")
    assert [r["review_id"] for r in done.rows[:2]] == ["k0000", "k0001"]
    assert np.mean([r["label"] == t for r, t in zip(done.rows, truth, strict=True)]) > 0.9
    desk.assert_kept(before)


def test_a_line_that_is_no_json_is_named(desk):
    """A line of the download is cut off: the message names the file and the line."""
    rng = np.random.default_rng(6)
    write_reviews(desk.folder / "books.jsonl", rng, BOOKS, 10)
    path = desk.folder / "books.jsonl"
    path.write_text(path.read_text()[:-40] + "\n")
    failed = desk.run("inspect", "books.jsonl", "--label", "sentiment", code=2)
    assert failed.stderr.count("\n") == 1 and "books.jsonl" in failed.said and "line 10" in failed.said
