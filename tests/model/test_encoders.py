"""RDM's static encoders: the contrastive loss against loops, and what the little one learns."""

import math

import pytest
import torch

from pdm.data.images import to_unit
from pdm.model.encoders import ClipEncoder, StaticEncoder, contrastive_loss, embed_all, train_static_encoder
from pdm.model.features import unit
from tests.tiny import DIM


def test_nt_xent_is_equation_1_of_simclr_in_loops():
    z1, z2 = (unit(torch.randn(4, 5, generator=torch.Generator().manual_seed(s))) for s in (1, 2))
    z, twin = [*z1, *z2], [4, 5, 6, 7, 0, 1, 2, 3]
    expected = 0.0
    for i in range(8):
        similarity = [(z[i] @ z[k]).item() / 0.3 for k in range(8)]
        others = sum(math.exp(s) for k, s in enumerate(similarity) if k != i)
        expected -= math.log(math.exp(similarity[twin[i]]) / others) / 8
    assert contrastive_loss(z1, z2, temperature=0.3).item() == pytest.approx(expected, rel=1e-5)


def test_embeddings_are_unit_vectors_and_do_not_depend_on_the_batch(images):
    torch.manual_seed(0)
    encoder = StaticEncoder(channels=1, dim=DIM).eval()
    whole = embed_all(encoder.embed, images.images)
    torch.testing.assert_close(whole.norm(dim=1), torch.ones(len(images)))
    torch.testing.assert_close(embed_all(encoder.embed, images.images, batch=7), whole, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.embed(to_unit(images.images[5:6]))[0], whole[5], atol=1e-5, rtol=1e-4)
    assert whole.std(0).max() > 1e-3


def test_training_without_labels_is_repeatable_and_tells_the_classes_apart(images):
    losses: list[float] = []
    options = dict(dim=DIM, steps=15, batch=48, seed=1)
    encoder = train_static_encoder(images.images, report=lambda step, loss: losses.append(loss), **options)
    assert len(losses) == 15 and sum(losses[-3:]) < 0.9 * sum(losses[:3])
    again = train_static_encoder(images.images, **options)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    z = embed_all(encoder.embed, images.images)
    nearest = torch.cdist(z, z).fill_diagonal_(float("inf")).argmin(1)
    assert (images.labels[nearest] == images.labels).float().mean() > 0.9


def test_clip_out_of_reach_is_one_line_that_says_what_to_do():
    with pytest.raises(ValueError, match="hub id that can be reached.*use the project's own encoder") as caught:
        ClipEncoder("no-such-owner/no-such-clip")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("channels", [1, 3])
def test_clip_sees_what_its_own_processor_would_show_it(channels):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    torch.manual_seed(0)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    encoder = ClipEncoder.__new__(ClipEncoder)
    encoder.model = CLIPModel(
        CLIPConfig(
            text_config={**small, "vocab_size": 20},
            vision_config={**small, "image_size": 16, "patch_size": 8},
            projection_dim=8,
        )
    ).eval()
    pixels = torch.randint(0, 256, (2, channels, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    processor = CLIPImageProcessor(size={"height": 16, "width": 16}, crop_size={"height": 16, "width": 16})
    pictures = [p.expand(3, -1, -1).permute(1, 2, 0).numpy() for p in pixels]
    values = processor(pictures, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        features = encoder.model.visual_projection(encoder.model.vision_model(values).pooler_output)
    ours = encoder.embed(to_unit(pixels))
    torch.testing.assert_close(ours, features / features.norm(dim=1, keepdim=True), atol=1e-4, rtol=1e-3)
    assert (ours[0] - ours[1]).abs().max() > 1e-3
