"""Which texts of a page are German: the catalogue's, those of Gradio, and names, which no language changes."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from pdm.experiments.ablation.rows import ROWS
from pdm.results.shapes import KINDS
from pdm.ui.words.catalogues import HERE

# All that is read on a page: texts, the attributes that are read out or shown, and what lists show as chosen. Not what
# somebody typed, commands, recipes, and what is marked as a name.
COLLECT = """() => {
  const texts = new Set(), kept = 'script, style, textarea, code, #recipe, [translate=no]';
  const put = text => { texts.add((text ?? '').replace(/\\s+/g, ' ').trim()); };
  const {get} = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (element.closest(kept)) continue;
    if (node !== element) { put(node.data); continue; }
    if (element.matches('input[role=combobox]')) put(get.call(element));
    for (const spot of ['title', 'aria-label', 'placeholder', 'alt']) put(element.getAttribute(spot));
  }
  return [...texts];
}"""
GRADIO = {
    "Einstellungen", "Über API verwenden", "- oder -", "Bild hier ablegen", "Hochladen", "Herunterladen", "Optionsfeld"
}  # fmt: skip
NAMES = {
    *"""
    Prototype Diffusion Studio Fashion-MNIST CIFAR-10 EuroSAT cifar10 Logo my-model PDM RDM s-PDM NMI HNSW IVF Qdrant
    RAM KB MB GB ms dB px bfloat16 float32 torch EDM FID gif webp ddim ddpm dpm++2m dpm++3m euler heun top_m tiny
    Linux cpu AMD EPYC fashion-mnist-classifier DPMSolverMultistepScheduler assets results flip d4
    """.split(),
    *ROWS,
    *(kind.file for kind in KINDS.values()),
}  # and those of the classes, which a model brings along


SPACES = re.compile(r"[\s,;:()/%×=“”+]+")


def _pattern(sentence: str) -> re.Pattern:
    parts = re.split(r"\{\w+\}", sentence)
    return re.compile("(.+?)".join(re.escape(part.strip(" ") if len(parts) == 1 else part) for part in parts))


class Known:
    """Some sentences, with holes or not, and names that may stand in them: `knows` tells which texts they are."""

    def __init__(self, sentences: Iterable[str], names: Iterable[str] = ()):
        sentences = list(sentences)
        self.whole = {sentence.strip() for sentence in sentences if "{" not in sentence}
        self.holed = [_pattern(sentence) for sentence in sentences if "{" in sentence]
        self.names = {word.lower() for name in (*NAMES, *names) for word in SPACES.split(name)}
        self.knows = lru_cache(maxsize=None)(self._knows)

    def _knows(self, text: str) -> bool:
        """Whether it is a sentence, several, or a list, of which no part is unknown."""
        if text in self.whole or self._is_name(text):
            return True
        found = (pattern.fullmatch(text) for pattern in self.holed)
        if any(all(map(self.knows, match.groups())) for match in found if match):
            return True
        divided = (re.split(between, text) for between in (r"(?<=[.?!]) (?=[A-ZÄÖÜ\d])", "[;,] "))
        return any(len(parts) > 1 and all(map(self.knows, parts)) for parts in divided)

    def _is_name(self, text: str) -> bool:
        words = [word.strip(".…") for word in SPACES.split(text)]
        return all(word.lower() in self.names or not re.search(r"[^\W\d_]{2}", word) for word in words)


def german(classes: Iterable[str]) -> Known:
    """What may stand on a German page of a model with these classes."""
    return Known([*json.loads((HERE / "de.json").read_text()).values(), *GRADIO], classes)
