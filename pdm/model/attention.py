"""Attention in which a token has a weight, perhaps another one at each place of a picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from pdm.model.local import Grid, local_attention


class WeightedAttention:
    """Attention in which a token's weight enters as an additive log-weight, so weight 0 is no token at all.

    With all weights equal this is plain attention; with integer weights it is attention over repeated tokens.
    `record` takes what each call attends to: shares (B, places, M), the mean over heads. `kept` holds the tokens' keys
    and values from one call to the next: they do not change over the steps of a sampler. `log_weights` are (B, M), or,
    where they differ from place to place, (B, places, M) by the number of places of each level. `grids`, on canvases
    larger than the net's own pictures: height, width and the side of the window that a place sees, likewise.
    """

    def __call__(
        self,
        attn,
        hidden_states,
        encoder_hidden_states=None,
        attention_mask=None,
        temb=None,
        log_weights: torch.Tensor | dict[int, torch.Tensor] | None = None,
        record: list[torch.Tensor] | None = None,
        kept: dict | None = None,
        grids: dict[int, Grid] | None = None,
    ) -> torch.Tensor:
        def heads(layer, source: torch.Tensor) -> torch.Tensor:
            return layer(source).unflatten(-1, (attn.heads, -1)).transpose(1, 2)  # (B, heads, tokens, head_dim)

        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = heads(attn.to_q, hidden_states)
        own = (attn, len(context))  # with guidance there are twice as many rows as without
        if encoder_hidden_states is None or kept is None or own not in kept:
            key, value = heads(attn.to_k, context), heads(attn.to_v, context)
            if encoder_hidden_states is not None and kept is not None:
                kept[own] = key, value
        else:
            key, value = kept[own]
        bias = None
        if encoder_hidden_states is not None and log_weights is not None:
            if isinstance(log_weights, dict):  # by the number of places of a level: (B, places, M)
                bias = log_weights[hidden_states.shape[1]][:, None].to(query.dtype)
            else:
                bias = log_weights[:, None, None, :].to(query.dtype)  # (B, 1, 1, M)
        if encoder_hidden_states is not None and record is not None:
            scores = query.float() @ key.float().mT * query.shape[-1] ** -0.5
            record.append((scores if bias is None else scores + bias.float()).softmax(-1).mean(1))
        if encoder_hidden_states is None and grids is not None:
            out = local_attention(query, key, value, grids[hidden_states.shape[1]])
        else:
            out = attend(query, key, value, bias, learning=attn.training)
        return attn.to_out[0](out.transpose(1, 2).flatten(2))


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    learning: bool = False,
) -> torch.Tensor:
    """Attention of (B, heads, places, head_dim) over tokens, with `bias` added to its scores.

    Where a net learns on a CPU it is spelled out: with so few places and tokens torch's own kernel takes five to eight
    times as long there, forwards and backwards, a fifth of a whole training step. Sampling keeps that kernel's bits.
    """
    if learning and query.requires_grad and query.device.type == "cpu":
        scores = (query * query.shape[-1] ** -0.5) @ key.mT
        return (scores if bias is None else scores + bias).softmax(-1).to(value.dtype) @ value
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
