"""The encoder of letters and words: the same numbers everywhere, no influence of padding, and it learns."""

import pytest
import torch

from landbridge.exceptions import InputError
from landbridge.neural.backbones._characters import (
    CharacterEncoder,
    WordInput,
    letter_number,
    word_numbers,
)
from landbridge.neural.structured import EntityScores, LinearChainCRF, iob2_allowed

SENTENCES = [["In", "Rome", "we", "saw", "Donaudampfschifffahrtsgesellschaft"], ["Yes"], [], ["東京", "!"]]


def test_numbers_do_not_depend_on_the_process():
    """Python's own hashes of texts differ from process to process; these figures are of another one."""
    assert word_numbers("Rome", 8192) == (692, 4774) and word_numbers("東京", 8192) == (1789, 3019)
    assert [letter_number(c) for c in "a東"] == [98, 1345]


def test_two_numbers_distinguish_words():
    words = [f"word{i}" for i in range(2000)]
    numbers = [word_numbers(w, 1000) for w in words]
    assert all(1 <= n <= 1000 for pair in numbers for n in pair)
    assert len({a for a, _ in numbers}) < 1000 and len(set(numbers)) > 1990
    assert word_numbers("E\u0301t\u00e9", 999) == word_numbers("\u00e9te\u0301", 999)


def test_input():
    x = WordInput(max_letters=6).read(SENTENCES)
    assert x["letters"].shape == (4, 5, 6) and x["words"].shape == (4, 5, 2)
    assert x["mask"].sum(1).tolist() == [5, 1, 0, 2]
    long = x["letters"][0, 4].tolist()
    assert long == [letter_number(c) for c in "Donaft"]
    assert (x["letters"][~x["mask"]] == 0).all() and (x["words"][~x["mask"]] == 0).all()
    assert (x["letters"][x["mask"]][:, 0] > 0).all() and (x["words"][x["mask"]] > 0).all()


def test_padding_changes_nothing():
    encoder = CharacterEncoder(16).eval()
    together = encoder(encoder.input.read(SENTENCES))
    assert together.hidden.shape == (4, 5, 16)
    assert (together.hidden[~together.mask] == 0).all()
    for i, sentence in enumerate(SENTENCES):
        alone = encoder(encoder.input.read([sentence]))
        torch.testing.assert_close(together.hidden[i, : len(sentence)], alone.hidden[0, : len(sentence)])


def test_letters_at_both_edges_and_the_context_matter():
    encoder = CharacterEncoder(16).eval()

    def vector(sentence, stage):
        x = encoder.input.read([sentence])
        x["words"] = torch.zeros_like(x["words"])  # letters alone
        encoded = encoder.stages["words"](x)
        return (encoded if stage == "words" else encoder.stages["context"](encoded)).hidden[0, 0]

    assert not torch.allclose(vector(["rome"], "words"), vector(["romes"], "words"))
    assert not torch.allclose(vector(["ab"], "words"), vector(["ba"], "words"))
    assert torch.allclose(vector(["rome", "x"], "words"), vector(["rome", "y"], "words"))
    assert not torch.allclose(vector(["rome", "x"], "context"), vector(["rome", "y"], "context"))


def test_weights_come_from_the_generator_alone():
    before = torch.random.get_rng_state()
    one, same, other = (CharacterEncoder(8, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    default, again = CharacterEncoder(8), CharacterEncoder(8)
    assert torch.equal(before, torch.random.get_rng_state())
    for a, b, c in zip(one.parameters(), same.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b) and not torch.equal(a, c)
    assert all(torch.equal(a, b) for a, b in zip(default.parameters(), again.parameters(), strict=True))


def test_dropout_hides_whole_words_in_training_only():
    encoder = CharacterEncoder(8, dropout=0.5)
    x = encoder.input.read([["a"] * 400])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hidden = encoder.stages["words"](x).hidden[0, :, -64:]
    lost = (hidden == 0).all(1)
    assert 0.4 < lost.float().mean() < 0.6 and (hidden[~lost] == hidden[~lost][0]).all()
    encoder.eval()
    assert not (encoder.stages["words"](x).hidden[0, :, -64:] == 0).all(1).any()


def test_it_learns_from_suffixes_of_unseen_words():
    encoder = CharacterEncoder(16, dropout=0.0, generator=torch.Generator().manual_seed(0))
    head = torch.nn.utils.skip_init(torch.nn.Linear, 16, 2)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    stems = ["ka", "lo", "mir", "tes", "bun", "dra", "fil", "gor"]
    x = encoder.input.read([[s + "by", s + "er"] for s in stems[:6]])
    new = encoder.input.read([[s + "by", s + "er"] for s in stems[6:]])
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], 0.01)
    for _ in range(30):
        optimiser.zero_grad()
        logits = head(encoder(x).hidden).flatten(0, 1)
        torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1] * 6)).backward()
        optimiser.step()
    assert head(encoder(new).hidden).argmax(-1).tolist() == [[0, 1]] * 2


def test_with_a_field_on_top_it_learns_entities():
    """Two words in capitals after "in" are one place; the sentence of the last line has new words."""
    names = ["O", "B-LOC", "I-LOC"]
    places = ["New York", "Los Angeles", "San Marino", "Cape Town", "Costa Rica", "El Paso", "Sri Lanka"]
    sentences = [["we", "live", "in", *place.split(), "now"] for place in places]
    tags = torch.tensor([[0, 0, 0, 1, 2, 0]] * len(places))
    encoder = CharacterEncoder(16, dropout=0.0, generator=torch.Generator().manual_seed(1))
    head = torch.nn.utils.skip_init(torch.nn.Linear, 16, 3)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    crf = LinearChainCRF(3, iob2_allowed(names))
    parameters = [*encoder.parameters(), *head.parameters(), *crf.parameters()]
    optimiser = torch.optim.Adam(parameters, 0.01)
    x = encoder.input.read(sentences[:-1])
    for _ in range(25):
        optimiser.zero_grad()
        encoded = encoder(x)
        total, weight = crf.loss(head(encoded.hidden), tags[:-1], encoded.mask)
        (total / weight).backward()
        optimiser.step()
    encoded = encoder(encoder.input.read([*sentences[-1:], ["in", "Rome"]]))
    found = crf(head(encoded.hidden), encoded.mask)
    scores = EntityScores()
    scores.update([[names[i] for i in tags[-1]]], [[names[i] for i in found[0]]])
    assert scores.micro().f1 == 1.0 and (found[1, 2:] == -100).all()


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: WordInput().read([]), "sentences must be lists of words"),
        (lambda: WordInput().read("a text"), "sentences must be lists of words"),
        (lambda: WordInput().read([["a"], "a text"]), "sentence 1 is a text"),
        (lambda: WordInput().read([["a"], ["b", ""]]), "sentence 1 holds '', which is no word"),
        (lambda: WordInput().read([[3]]), "sentence 0 holds 3, which is no word"),
        (lambda: CharacterEncoder(7), "width must be even"),
        (lambda: CharacterEncoder(8, dropout=1.0), r"dropout must lie in \[0, 1\)"),
        (lambda: CharacterEncoder(8, n_filters=0), "n_filters must be a whole number of at least 1"),
        (lambda: WordInput(n_buckets=0), "n_buckets must be a whole number of at least 1"),
    ],
)
def test_bad_input_gets_one_line(call, why):
    with pytest.raises(InputError, match=why):
        call()
