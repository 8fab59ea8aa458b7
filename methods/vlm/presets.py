"""Questions as the authors of published models put them, with where each stands; and two of this suite.

A preset says what is asked and how the answer is read, and what the weights have learnt that were published
with that question. Which model answers is for `model` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from benchmark.method import Exposure
from methods._shared.exposure import opinions

#: Q-Align's levels, best first.
LEVELS = ("excellent", "good", "fair", "poor", "bad")

#: A number and nothing else.
BARE = r"^\s*([-+]?[0-9]+(?:\.[0-9]+)?)\s*\.?\s*$"
#: A number between the tags of the answer.
TAGGED = r"<answer>\s*([-+]?[0-9]+(?:\.[0-9]+)?)\s*</answer>"
#: The same as JSON with the key ``rating``, bare or in a block of code.
RATED = r"<answer>[^<]*?\"rating\"\s*:\s*\"?([-+]?[0-9]+(?:\.[0-9]+)?)\"?\s*[,}][^<]*</answer>"

#: What vLLM needs to go on from the beginning of an answer; llama.cpp does so by itself.
GOES_ON = MappingProxyType({"continue_final_message": True, "add_generation_prompt": False})


@dataclass(frozen=True)
class Preset:
    """A question, how its answer is read, and what the published weights for it have learnt.

    Parameters
    ----------
    title
        Name as the literature prints it.
    prompt, system, prefix, image_first, answer, words, pattern, take, low, high, max_tokens, extra
        As in `methods.vlm.settings.Settings`.
    weights
        Which published weights `opinions_of`, `exposure` and `licence` speak of.
    training_data, licence, opinions_of, exposure, paper, bibtex
        As in `benchmark.method.Card`.
    """

    title: str
    prompt: str
    answer: Literal["number", "words"]
    system: str = ""
    prefix: str = ""
    image_first: bool = True
    words: tuple[str, ...] = LEVELS
    pattern: str = BARE
    take: Literal["only", "first", "last"] = "only"
    low: float = 1.0
    high: float = 5.0
    max_tokens: int | None = 16
    extra: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
    training_data: str = "not known: it is the model's"
    licence: str = "as the model's, and the terms of who serves it"
    opinions_of: str = "unknown"
    exposure: tuple[Exposure, ...] | None = None
    paper: str = ""
    bibtex: str = ""


_RATE = (
    "What is your overall rating on the quality of this picture? The rating should be a float between 1 and "
    "5, rounded to two decimal places, with 1 representing very poor quality and 5 representing excellent "
    "quality."
)
#: A number in the box of LaTeX.
_BOXED = r"\\boxed\{\s*([-+]?[0-9]+(?:\.[0-9]+)?)\s*\}"
_ALIGN: Mapping[str, Any] = {
    "prompt": "How would you rate the quality of this image?",
    "prefix": "The quality of the image is",
    "image_first": False,
    "answer": "words",
    "max_tokens": 1,
    "extra": GOES_ON,
}
_QWEN = Exposure("corpus", "Qwen2.5-VL's, not stated", "Qwen2.5-VL-7B-Instruct as the base", "S")
_OWL = Exposure("corpus", "mPLUG-Owl2's image-text pairs", "mPLUG-Owl2 as the base, both papers", "S")
_ONE_ALIGN = "One-Align; arXiv 2312.17090, table 7"
_DEQA = "zhiyuanyou/DeQA-Score, README, Pretrained Weights"
_INSIGHT = "bytedance/Q-Insight, README, Dataset Preparation"
_EVOLVED = "arXiv 2509.25787 and the model card: pictures of KonIQ-10k, its scores left aside"
_RANK = "TianheWu/VisualQuality-R1, README: the preview; of the final weights it is not stated"

PRESETS: Mapping[str, Preset] = {
    "plain": Preset(
        title="plain question",
        prompt="Rate the perceptual quality of this image: noise, blur, compression, exposure and colour, "
        "not what it shows. Answer with one number from 1 (bad) to 5 (excellent), with two decimals, and "
        "nothing else.",
        answer="number",
    ),
    "levels": Preset(
        title="five levels",
        prompt="Rate the perceptual quality of this image: noise, blur, compression, exposure and colour, "
        "not what it shows. Answer with one word, in lower case: excellent, good, fair, poor or bad.",
        answer="words",
        max_tokens=4,
    ),
    # Prompt and levels: Q-Future/Q-Align, q_align/evaluate/scorer.py, which counts them 1 to 0, not 5 to 1.
    "qalign": Preset(
        title="Q-Align",
        **_ALIGN,
        weights="q-future/one-align",
        training_data="opinions of KonIQ-10k, SPAQ, KADID-10k, AVA (aesthetics) and LSVQ (video)",
        opinions_of="koniq10k spaq kadid10k ava lsvq",
        exposure=(_OWL, *opinions("koniq10k spaq kadid10k ava lsvq", _ONE_ALIGN)),
        paper="Wu et al.: Q-Align: Teaching LMMs for Visual Scoring via Discrete Text-Defined Levels. "
        "ICML 2024",
        bibtex="""@article{wu2023qalign,
  title = {{Q-Align}: Teaching {LMMs} for Visual Scoring via Discrete Text-Defined Levels},
  author = {Wu, Haoning and Zhang, Zicheng and Zhang, Weixia and Chen, Chaofeng and Li, Chunyi and Liao, Liang
    and Wang, Annan and Zhang, Erli and Sun, Wenxiu and Yan, Qiong and Min, Xiongkuo and Zhai, Guangtao
    and Lin, Weisi},
  journal = {arXiv preprint arXiv:2312.17090}, year = {2023}
}""",
    ),
    # zhiyuanyou/DeQA-Score, src/evaluate/scorer.py.
    "deqa": Preset(
        title="DeQA-Score",
        **_ALIGN,
        weights="zhiyuanyou/DeQA-Score-Mix3",
        training_data="opinions of KonIQ-10k, SPAQ and KADID-10k, as distributions",
        opinions_of="koniq10k spaq kadid10k",
        exposure=(_OWL, *opinions("koniq10k spaq kadid10k", _DEQA)),
        paper="You, Cai, Gu, Xue, Dong: Teaching Large Language Models to Regress Accurate Image Quality "
        "Scores using Score Distribution. CVPR 2025",
        bibtex="""@article{you2025deqa,
  title = {Teaching Large Language Models to Regress Accurate Image Quality Scores using Score Distribution},
  author = {You, Zhiyuan and Cai, Xin and Gu, Jinjin and Xue, Tianfan and Dong, Chao},
  journal = {arXiv preprint arXiv:2501.11561}, year = {2025}
}""",
    ),
    # The authors' src/eval/demo_score.py, which samples at temperature 1.
    "qinsight": Preset(
        title="Q-Insight",
        prompt=f"{_RATE} Return the final answer in JSON format with the following keys: "
        '"rating": The score.',
        system="A conversation between User and Assistant. The user asks a question, and the Assistant "
        "solves it. The assistant first thinks about the reasoning process in the mind and then provides "
        "the user with the answer. The reasoning process and answer are enclosed within <think> </think> "
        "and <answer> </answer> tags, respectively, i.e., <think> reasoning process here </think><answer> "
        "answer here </answer>",
        image_first=False,
        answer="number",
        pattern=RATED,
        take="last",
        max_tokens=1024,
        weights="ByteDance/Q-Insight, score_degradation",
        training_data="opinions of KonIQ-10k; kinds and degrees of distortion of KADIS-700k",
        opinions_of="koniq10k",
        exposure=(
            _QWEN,
            *opinions("koniq10k", _INSIGHT),
            Exposure("pictures", "kadis700k", _INSIGHT, "V"),
        ),
        paper="Li et al.: Q-Insight: Understanding Image Quality via Visual Reinforcement Learning. "
        "NeurIPS 2025",
        bibtex="""@article{li2025qinsight,
  title = {{Q-Insight}: Understanding Image Quality via Visual Reinforcement Learning},
  author = {Li, Weiqi and Zhang, Xuanyu and Zhao, Shijie and Zhang, Yabin and Li, Junlin and Zhang, Li
    and Zhang, Jian},
  journal = {arXiv preprint arXiv:2503.22679}, year = {2025}
}""",
    ),
    # TianheWu/VisualQuality-R1, README, "Batch Images Quality Rating with thinking", which samples.
    "visualquality-r1": Preset(
        title="VisualQuality-R1",
        prompt=f"You are doing the image quality assessment task. Here is the question: {_RATE} First output "
        "the thinking process in <think> </think> tags and then output the final answer with only one score "
        "in <answer> </answer> tags.",
        answer="number",
        pattern=TAGGED,
        take="last",
        max_tokens=2048,
        weights="TianheWu/VisualQuality-R1-7B",
        training_data="opinions of KADID-10k, TID2013 and KonIQ-10k (the preview), and others not stated",
        opinions_of="kadid10k tid2013 koniq10k unknown",
        exposure=(_QWEN, *opinions("kadid10k tid2013 koniq10k", _RANK)),
        paper="Wu, Zou, Liang, Zhang, Ma: VisualQuality-R1: Reasoning-Induced Image Quality Assessment via "
        "Reinforcement Learning to Rank. arXiv 2505.14460",
        bibtex="""@article{wu2025visualquality,
  title = {{VisualQuality-R1}: Reasoning-Induced Image Quality Assessment via Reinforcement Learning to Rank},
  author = {Wu, Tianhe and Zou, Jian and Liang, Jie and Zhang, Lei and Ma, Kede},
  journal = {arXiv preprint arXiv:2505.14460}, year = {2025}
}""",
    ),
    # ByteDance/EvoQuality, model card: the question, and how its ending begins. That was read whole in
    # seruva19/ayase, src/ayase/modules/evoquality.py, a second hand.
    "evoquality": Preset(
        title="EvoQuality",
        prompt=f"You are doing the image quality assessment task. Here is the question: {_RATE} You FIRST "
        "think about the reasoning process as an internal monologue and then provide the final answer. The "
        r"final answer MUST BE put in \boxed{}.",
        answer="number",
        pattern=_BOXED,
        take="last",
        max_tokens=2048,
        weights="ByteDance/EvoQuality",
        training_data="pictures of KonIQ-10k, ranked by the model's own votes; no quality scores beyond what "
        "Qwen2.5-VL may have seen",
        opinions_of="",
        exposure=(_QWEN, Exposure("pictures", "koniq10k", _EVOLVED, "S")),
        paper="Wen et al.: Self-Evolving Vision-Language Models for Image Quality Assessment via Voting and "
        "Ranking. ICLR 2026",
        bibtex="""@inproceedings{wen2026selfevolving,
  title = {Self-Evolving Vision-Language Models for Image Quality Assessment via Voting and Ranking},
  author = {Wen, Wen and Zhi, Tianwu and Fan, Kanglong and Li, Yang and Peng, Xinge and Zhang, Yabin and
    Liao, Yiting and Li, Junlin and Zhang, Li},
  booktitle = {International Conference on Learning Representations}, year = {2026}
}""",
    ),
}
