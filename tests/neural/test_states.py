"""What heads take: pooled features, positions with a mask, maps, all maps, and a decoder's inputs."""

import pytest

torch = pytest.importorskip("torch", reason="networks need the extra landbridge[neural]")
from torch import nn  # noqa: E402

from landbridge.exceptions import InputError  # noqa: E402
from landbridge.neural import Features, Network, cached_features, predict_logits  # noqa: E402
from landbridge.neural._heads import MapHead, TokenHead, made_around, parts_of  # noqa: E402
from landbridge.neural._states import as_map, as_tokens  # noqa: E402


class Take(nn.Module):
    """A head that returns what it is given."""

    def __init__(self, takes):
        super().__init__()
        self.takes = takes

    def forward(self, x, **given):
        self.given = given
        return x


def pictures():
    low = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())
    return Network({"low": low, "high": nn.Conv2d(4, 6, 3, stride=2, padding=1)}, in_features=6).eval()


def test_a_head_is_given_what_it_takes():
    net, x = pictures(), torch.rand(2, 3, 16, 16)
    last = net.stages["high"](net.stages["low"](x))
    assert torch.equal(net(x), last.mean((2, 3)))
    assert torch.equal(net.replace_head(Take("map"))(x), last)
    tokens = net.replace_head(Take("tokens"))(x)
    assert torch.equal(tokens.hidden, last.flatten(2).transpose(1, 2)) and tokens.places().all()
    maps = net.replace_head(Take("pyramid"))(x)
    assert [m.shape for m in maps] == [(2, 4, 8, 8), (2, 6, 4, 4)]


def test_the_embedding_is_the_pooled_output_whatever_the_head_takes():
    net, x = pictures(), torch.rand(2, 3, 16, 16)
    pooled = net.embed(x)
    for takes in ("map", "tokens", "pyramid", "decoder"):
        net.replace_head(Take(takes))
        _, kept = net(x, ("low", "embedding"))
        assert list(kept) == ["low", "embedding"]
        assert torch.equal(kept["embedding"], pooled) and torch.equal(net.embed(x), pooled)
        assert torch.equal(cached_features(net, x), pooled)


def test_maps_come_back_at_the_size_of_the_image():
    net = pictures().replace_head(MapHead(6, 3))
    assert net(torch.rand(2, 3, 16, 20)).shape == (2, 3, 16, 20)
    assert predict_logits(net, torch.rand(5, 3, 16, 16), batch_size=2).shape == (5, 3, 16, 16)


def test_tokens_with_their_mask_and_outputs_of_several_lengths():
    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 4)

        def forward(self, x):
            return Features(self.table(x["ids"]), x["mask"])

    net = Network({"words": Embed()}, in_features=4, head=TokenHead(4, 2)).eval()
    rows = [{"ids": torch.arange(n) % 10, "mask": torch.ones(n, dtype=torch.bool)} for n in (5, 2, 3)]
    found = predict_logits(net, rows, batch_size=2)
    assert [len(one["logits"]) for one in found] == [5, 5, 3] and found[1]["mask"].tolist() == [True] * 2 + [False] * 3
    alone = net({k: v[None] for k, v in rows[1].items()})["logits"][0]
    assert torch.equal(found[1]["logits"][:2], alone)
    pooled = net.embed({"ids": torch.tensor([[1, 2, 0]]), "mask": torch.tensor([[True, True, False]])})
    assert torch.allclose(pooled[0], net.stages["words"].table.weight[1:3].mean(0))


def test_inputs_of_a_decoder_go_to_the_head():
    net = pictures().replace_head(Take("decoder"))
    answer = net({"inputs": torch.rand(2, 3, 8, 8), "decoder_ids": torch.ones(2, 3)})
    assert isinstance(answer, Features) and list(net.head.given) == ["decoder_ids"]


def test_places_of_a_square_and_what_is_no_map():
    x = torch.arange(24.0).reshape(1, 4, 6)
    assert torch.equal(as_map(x)[0, :, 1, 0], x[0, 2])
    assert torch.equal(as_map(torch.cat([torch.zeros(1, 1, 6), x], 1)), as_map(x))  # after a class token
    with pytest.raises(InputError, match=r"the head takes a feature map but the last stage returns shape \(2, 5\)"):
        as_map(torch.zeros(2, 5))
    assert as_tokens(torch.zeros(2, 5)).hidden.shape == (2, 1, 5)


def test_heads_of_places_are_plain_data():
    for head in (TokenHead(4, 3), MapHead(4, 3)):
        plain, around = parts_of(head)
        back = made_around(nn.Linear(4, 3), *around)
        assert type(back) is type(head)
        back.load_state_dict(head.state_dict())
        assert torch.equal(back.linear.weight, plain.weight)


def test_a_language_model_gives_its_tokens():
    transformers = pytest.importorskip("transformers")
    from landbridge.neural.backbones._transformers import _network

    config = transformers.BertConfig(
        vocab_size=50, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16
    )
    torch.manual_seed(0)
    model = transformers.BertModel(config).eval()
    net = _network(model, None, True).eval()
    x = {"input_ids": torch.randint(3, 50, (2, 6)), "attention_mask": torch.tensor([[1] * 6, [1] * 4 + [0] * 2])}
    pooled = net.embed(x)
    _, kept = net.replace_head(TokenHead(8, 3))(x, ("embedding",))
    assert torch.equal(kept["embedding"], pooled)
    tokens = net.replace_head(Take("tokens"))(x)
    assert torch.allclose(tokens.hidden, model(**x).last_hidden_state) and tokens.mask.sum() == 10
