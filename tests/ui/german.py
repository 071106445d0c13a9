"""Which texts of a page are German: the catalogue's, those that Gradio brings along, and names, which no language changes."""

import json
import re
from functools import lru_cache

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
    if (node !== element) put(node.data);
    else if (element.matches('input[role=combobox]')) put(get.call(element));
    if (node === element) for (const spot of ['title', 'aria-label', 'placeholder', 'alt']) put(element.getAttribute(spot));
  }
  return [...texts];
}"""
GRADIO = {"Einstellungen", "Über API verwenden", "- oder -", "Bild hier ablegen", "Hochladen", "Herunterladen"}
GRADIO |= {"Optionsfeld"}
NAMES = """
    Prototype Diffusion Studio Fashion-MNIST CIFAR-10 EuroSAT cifar10 Logo my-model PDM RDM s-PDM NMI HNSW IVF Qdrant RAM
    KB MB GB ms dB px bfloat16 float32 EDM FID gif webp ddim ddpm dpm++2m dpm++3m euler heun top_m paper-ancestral paper-edm
    paper-kept paper-redrawn pdm-1-token pdm-K8 pdm-K32 pdm-K128 pdm-K256 pdm-guidance-1.5 pdm-guidance-2 pdm-guidance-3
    pdm-guidance-interval pdm-rare pdm-uniform rdm-k1 rdm-k8 rdm-top-1 rdm-whole fashion-mnist-classifier tiny cpu AMD EPYC
    DPMSolverMultistepScheduler json assets results evaluation-imagenet evaluation-rdm-imagenet flip d4
"""  # and those of the classes, which a model brings along


def _pattern(sentence: str) -> re.Pattern:
    parts = re.split(r"\{\w+\}", sentence)
    return re.compile("(.+?)".join(re.escape(part.strip(" ") if len(parts) == 1 else part) for part in parts))


class German:
    """`classes`: the names of a model's classes, of which its prototypes have theirs."""

    def __init__(self, classes: list[str]):
        values = json.loads((HERE / "de.json").read_text()).values()
        self.whole = {value.strip() for value in values if "{" not in value} | GRADIO
        self.holed = [_pattern(value) for value in values if "{" in value]
        self.names = {word.lower() for name in (*NAMES.split(), *classes) for word in name.split()}
        self.knows = lru_cache(maxsize=None)(self._knows)

    def _knows(self, text: str) -> bool:
        """Whether nothing in it is left in English."""
        if text in self.whole or self._is_name(text):
            return True
        parts = re.split(r"(?<=[.?!]) (?=[A-ZÄÖÜ\d])|; ", text)
        if len(parts) > 1 and all(map(self.knows, parts)):
            return True
        found = (pattern.fullmatch(text) for pattern in self.holed)
        return any(all(map(self.knows, match.groups())) for match in found if match)

    def _is_name(self, text: str) -> bool:
        words = re.findall(r"[^\s,;:()/.…%×=“”]+", text)
        return all(word.lower() in self.names or not re.search(r"[^\W\d_]{2}", word) for word in words)
