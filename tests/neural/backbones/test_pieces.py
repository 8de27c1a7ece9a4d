"""Encoders of transformers over words: the first piece of each word, and no word lost in long sentences."""

import pytest
import torch

from landbridge.exceptions import InputError
from landbridge.neural.backbones import rebuild
from landbridge.neural.backbones._pieces import PieceInput, over_words
from landbridge.neural.backbones._transformers import from_config

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocab = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[PAD]": 3, "a": 4, "b": 5, "##c": 6, "##b": 7}
    made = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return made.to_str()


@pytest.fixture(scope="module")
def network(tokenizer):
    config = {"model_type": "bert", "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 2}
    config |= {"num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 16}
    spec = {"kind": "transformers", "model": "BertModel", "config": config, "use_pooler": False}
    return over_words(from_config(spec), tokenizer, 8)


def test_places_are_those_of_first_pieces(tokenizer):
    held = PieceInput(tokenizer).read([["ac", "b"], ["abb"]])
    assert held["input_ids"][0, 0].tolist() == [1, 4, 6, 5, 2]
    assert held["places"].tolist() == [[[1, 1], [1, 3]], [[1, 1], [0, 0]]]
    with pytest.raises(InputError, match="lists of words"):
        PieceInput(tokenizer).read(["a b"])


def test_long_sentences_are_cut_into_windows_and_joined(network):
    sentence = ["ac", "b", "a"] * 7
    held = network.preprocess.read([sentence, ["a"]])
    assert held["input_ids"].shape[1] > 2
    with torch.inference_mode():
        found = network.tokens(held)
        alone = network.tokens(network.preprocess.read([["a"]]))
    assert found.mask.sum(1).tolist() == [21, 1]
    assert torch.allclose(found.hidden[1, :1], alone.hidden[0], atol=1e-5)
    assert (found.hidden[1, 1:] == 0).all()


def test_words_of_a_short_sentence_are_the_model_s_own(network):
    held = network.preprocess.read([["ac", "b"]])
    with torch.inference_mode():
        flat = {"input_ids": held["input_ids"][:, 0].long(), "attention_mask": held["attention_mask"][:, 0].long()}
        whole = network.body.inner(flat, None, None, (), {}, pooled=False).hidden
        assert torch.allclose(network.tokens(held).hidden, whole[:, [1, 3]])


def test_a_word_without_pieces_keeps_its_place(network):
    held = network.preprocess.read([["a", "\u200b", "b"]])
    assert network.tokens(held).mask.tolist() == [[True] * 3]


def test_stages_can_be_started_in_the_middle(network):
    held = network.preprocess.read([["ac", "b", "a"] * 5])
    first, second = network.stage_names[1:3]
    with torch.inference_mode():
        state = network.activations(held, first)
        assert torch.allclose(
            network.body(state, second, None, (), {}, pooled=False).hidden, network.tokens(held).hidden
        )
        assert network.features(held)[first].shape == (1, 8)


def test_the_description_holds_the_tokenizer(network):
    again = rebuild(network.spec)
    again.load_state_dict(network.state_dict())
    held = again.preprocess.read([["ac", "b"]])
    with torch.inference_mode():
        assert torch.equal(again.eval().tokens(held).hidden, network.eval().tokens(held).hidden)
