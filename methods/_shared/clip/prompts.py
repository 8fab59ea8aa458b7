"""Prompts that are learnt: context tokens around fixed words (CoOp, as CLIP-IQA+ and QualiCLIP+ use it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from open_clip.transformer import text_global_pool
from torch import Tensor, nn

from methods._shared.clip.antonyms import AntonymScorer
from methods._shared.clip.encoder import ImageEncoder
from methods._shared.clip.texts import plain_tokenizer


class LearntPrompts(nn.Module):
    """Prompts ``[start] context words context [end]`` with half of the context on either side.

    The words keep the embeddings that CLIP gives them; the text tower is frozen, the context alone is learnt
    (Zhou et al., IJCV 2022; class words in the middle as Wang et al., AAAI 2023).

    Parameters
    ----------
    clip
        CLIP whose text tower reads the prompts; it is not changed.
    words
        Words of each prompt, positive and negative in turn.
    tokens
        Number of context tokens.
    shared
        One context for all prompts, or one for each.
    ending
        Text after the words that does not count as theirs: CLIP-IQA+'s code adds a full stop even to words
        that end in one.
    seed
        Seed of the random start, normal with deviation .02.

    Raises
    ------
    ValueError
        If the CLIP has a text tower or a tokenizer of another kind.
    """

    tokenized: Tensor
    fixed: Tensor
    order: Tensor

    def __init__(
        self, clip: CLIP, words: Sequence[str], *, tokens: int, shared: bool, ending: str = "", seed: int = 0
    ) -> None:
        super().__init__()
        if not isinstance(clip, CLIP) or getattr(clip, "text_settings", {}).get("hf_tokenizer_name"):
            raise ValueError(
                "architecture: prompts are learnt with CLIP's own text tower and tokenizer alone; take e.g. "
                "'RN50-quickgelu' or 'ViT-B-16'"
            )
        self._text = [clip]  # in a list, so that its weights are neither trained nor saved with the context
        tokenizer = plain_tokenizer(context_length=clip.context_length)
        lengths = [len(tokenizer.encode(word)) for word in words]
        placeholder = " ".join(["X"] * tokens)
        self.register_buffer("tokenized", tokenizer([f"{placeholder} {word}{ending}" for word in words]))
        with torch.no_grad():
            self.register_buffer("fixed", clip.token_embedding(self.tokenized).float(), persistent=False)
        orders = [middle(tokens, length, clip.context_length) for length in lengths]
        self.register_buffer("order", torch.tensor(orders), persistent=False)
        width = self.fixed.shape[-1]
        generator = torch.Generator().manual_seed(seed)
        shape = (tokens, width) if shared else (len(words), tokens, width)
        self.context = nn.Parameter(torch.randn(shape, generator=generator) * 0.02)

    def forward(self) -> Tensor:
        """Return the unit embeddings ``[P, D]`` of all prompts."""
        clip, tokens = self._text[0], self.context.shape[-2]
        context = self.context.expand(len(self.fixed), -1, -1)
        x = torch.cat([self.fixed[:, :1], context, self.fixed[:, 1 + tokens :]], dim=1)
        x = x.gather(1, self.order.unsqueeze(-1).expand_as(x)) + clip.positional_embedding
        x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask))
        pooled = text_global_pool(x, self.tokenized, clip.text_pool_type, clip.text_eos_id)
        return F.normalize(pooled @ clip.text_projection, dim=-1)

    def take(self, state: Mapping[str, Tensor], path: Path) -> None:
        """Take the context of a published checkpoint.

        Parameters
        ----------
        state
            A lone tensor, or the entries of a prompt learner as CLIP-IQA's code (mmedit) or pyiqa saves them.
        path
            File that it came from, for messages.

        Raises
        ------
        ValueError
            If there is no context, it is of another shape, or its words were embedded by another CLIP.
        """
        learner = {key.rpartition("prompt_learner.")[2]: value for key, value in state.items()}
        context = learner.get("ctx", state.get(""))
        if context is None:
            raise ValueError(f"{path} holds no learnt prompts: no tensor prompt_learner.ctx")
        prompts, width = len(self.fixed), self.fixed.shape[-1]
        tokens = self.context.shape[-2]
        if tuple(context.shape) not in {(tokens, width), (prompts, tokens, width)}:
            raise ValueError(
                f"{path}: its context is {list(context.shape)}, expected [{tokens}, {width}] or "
                f"[{prompts}, {tokens}, {width}]"
            )
        words = learner.get("token_suffix")
        own = self.fixed[:, 1 + tokens :]
        if words is not None and (
            words.shape != own.shape or not torch.allclose(words.float(), own, atol=1e-3, rtol=1e-2)
        ):
            raise ValueError(f"{path}: its prompts were learnt with another CLIP, or with other words")
        self.context = nn.Parameter(context.detach().float().clone())


def learnt_scorer(clip: CLIP, prompts: LearntPrompts, scale: float) -> AntonymScorer:
    """Make a scorer of a CLIP's image tower and learnt prompts, whose embeddings are computed once."""
    with torch.no_grad():
        embeddings = prompts()
    positive, negative = embeddings[0::2].contiguous(), embeddings[1::2].contiguous()
    return AntonymScorer(ImageEncoder(clip.visual), positive, negative, scale).eval()


def middle(tokens: int, length: int, whole: int) -> list[int]:
    """Places in ``start, context, words, rest`` of what becomes ``start, half, words, half, rest``."""
    half = 1 + tokens // 2
    first, words = 1 + tokens, 1 + tokens + length
    return [*range(half), *range(first, words), *range(half, first), *range(words, whole)]
