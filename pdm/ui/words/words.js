// The page in the language of the browser. The words are written in English wherever they are used; here they are exchanged
// where they enter the page, whoever wrote them: Gradio, the server's HTML, or the page's own scripts.
//
// Before this: `catalogues`, the address of each language's words, {"de": "/...de.json"}. A catalogue maps English sentences
// to those of its language. A part that changes is a hole, "step {n} of {total}". What fills it is looked up as well: as one,
// in a hole called list... each part between commas, and not at all in one called name..., which is somebody's name; numbers
// are written as the language has them. Of several sentences each is looked up, unless all of them are one entry. A browser
// that asks for English fetches nothing.
(() => {
  const SPOTS = ['title', 'aria-label', 'placeholder', 'alt', 'data-empty', 'data-loading'];  // the last two: shown by CSS
  const KEPT = 'script, style, textarea, code, [contenteditable], [translate=no]';  // what is in these stays as it is
  const MOST = 2000;  // looked up texts that are remembered

  const known = tag => ['en', ...Object.keys(catalogues)].find(language => language === tag?.toLowerCase().split('-')[0]);
  const asked = known(new URLSearchParams(location.search).get('lang'));  // ?lang=en, before what the browser says
  const language = asked ?? navigator.languages.map(known).find(Boolean) ?? 'en';
  // Gradio's own words are to be in the same language: it asks the browser.
  if (asked || language !== 'en') Object.defineProperty(navigator, 'language', {value: language, configurable: true});
  if (language === 'en') return;

  // Numbers as the language writes them, 1.000,5 for 1,000.5, where one stands among words or with a unit; not a version, or
  // what sticks to letters.
  const NUMBER = /(?<![^\s(±~])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?=[)%/,;:.]*(?:\s|$))/g;
  const UNIT = /(?<=\d) (?:%|ms|s|min|dB|[KMG]?B)(?![^\s/,;:)])/g;
  const signs = new Intl.NumberFormat(language).formatToParts(123456.7);
  const [comma, point] = ['group', 'decimal'].map(kind => signs.find(({type}) => type === kind).value);
  const inNumbers = text => text.replace(NUMBER, number => number.replace(/[,.]/g, sign => sign === ',' ? comma : point));
  // Nothing but numbers, with a unit, in a table or beside a bar: others may be somebody's, as in a recipe.
  const isMeasured = (text, inTable) => {
    const bare = text.replace(UNIT, '');
    return (inTable || bare !== text) && /^[\s\d.,;:/()±~<>+-]*$/.test(bare);
  };

  const whole = new Map(), holed = [];
  let found = new Map();
  const learn = entries => {
    for (const [english, own] of Object.entries(entries)) {
      const parts = english.split(/\{(\w+)\}/);
      if (parts.length === 1) { whole.set(english, own); continue; }
      const names = parts.filter((_, i) => i % 2), literal = parts.filter((_, i) => i % 2 === 0);
      const pattern = new RegExp(`^${literal.map(part => part.replace(/[.*+?^$()|[\]\\{}]/g, '\\$&')).join('(.+?)')}$`);
      holed.push({pattern, names, own, length: literal.join('').length});
    }
    holed.sort((a, b) => b.length - a.length);  // the one that says most is tried first
  };
  const filled = text => {
    for (const {pattern, names, own} of holed) {
      const parts = pattern.exec(text);
      if (!parts) continue;
      const value = name => parts[1 + names.indexOf(name)], inOwn = part => sought(part) ?? inNumbers(part);
      return own.replace(/\{(\w+)\}/g, (_, name) => name.startsWith('name') ? value(name)
        : name.startsWith('list') ? value(name).split(/([;,] )/).map(inOwn).join('') : inOwn(value(name)));
    }
    return null;
  };
  const sentences = text => {
    const each = text.split(/(?<=[.?!]) (?=[\p{Lu}\d])/u), own = each.length > 1 ? each.map(sought) : [null];
    return own.includes(null) ? null : own.join(' ');
  };
  // The words for a text without white space round it, or null where there are none.
  const sought = text => {
    if (found.has(text)) return found.get(text);
    if (found.size > MOST) found = new Map();
    const own = whole.get(text) ?? (/\p{L}{2}/u.test(text) ? sentences(text) ?? filled(text) : null);
    found.set(text, own);
    return own;
  };
  const inOwnWords = (text, inTable = false) => {
    const own = sought(text.replace(/\s+/g, ' ').trim());
    if (own === null && isMeasured(text, inTable)) return inNumbers(text);
    return own === null ? text : /^\s*/.exec(text)[0] + own + /\s*$/.exec(text)[0];
  };

  // What stands there by this script, by its node and spot: that is not looked up again.
  const written = new WeakMap();
  const exchange = (node, spot, text, write, parent) => {
    const mine = written.get(node) ?? {};
    if (!text || mine[spot] === text) return;
    const lines = parent?.closest('pre') ? text.split('\n') : [text], inTable = parent?.closest('td, .bar');
    mine[spot] = lines.map(line => inOwnWords(line, inTable)).join('\n');
    written.set(node, mine);
    if (mine[spot] !== text) write(mine[spot]);
  };
  const exchangeText = node => {
    const parent = node.parentElement;
    if (!parent?.closest(KEPT)) exchange(node, 'text', node.data, own => { node.data = own; }, parent);
  };
  const exchangeSpot = (element, spot) => {
    if (!element.closest('[translate=no]')) exchange(element, spot, element.getAttribute(spot), own => element.setAttribute(spot, own));
  };
  // A list to choose from shows the choice as the value of a field: Gradio goes on to read what it has written there.
  const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  const exchangeChoice = input => {
    if (Object.hasOwn(input, 'value')) return;
    let english = null, shown = null;
    Object.defineProperty(input, 'value', {
      configurable: true,
      get: () => { const now = value.get.call(input); return now === shown ? english : now; },
      set: next => { english = String(next); shown = inOwnWords(english); value.set.call(input, shown); },
    });
    input.value = value.get.call(input);
  };
  const exchangeElement = element => {
    for (const spot of SPOTS) if (element.hasAttribute(spot)) exchangeSpot(element, spot);
    if (element.matches('input[role=combobox]')) exchangeChoice(element);
  };
  const exchangeAll = root => {
    if (root.nodeType === Node.TEXT_NODE) { exchangeText(root); return; }
    if (root.nodeType === Node.ELEMENT_NODE) exchangeElement(root);
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      if (walk.currentNode.nodeType === Node.TEXT_NODE) exchangeText(walk.currentNode);
      else exchangeElement(walk.currentNode);
    }
  };
  // Called before the browser paints, so that no English is seen between.
  const follow = changes => {
    for (const {type, target, attributeName, addedNodes} of changes) {
      if (type === 'characterData') exchangeText(target);
      else if (type === 'attributes') exchangeSpot(target, attributeName);
      else for (const node of addedNodes) exchangeAll(node);
    }
  };
  const begin = entries => {
    learn(entries);
    document.documentElement.lang = language;
    for (const name of ['alert', 'confirm']) {
      const ask = window[name].bind(window);
      window[name] = text => ask(inOwnWords(String(text)));
    }
    window.inOwnWords = inOwnWords;  // for what is measured before it is put on the page
    exchangeAll(document);
    new MutationObserver(follow).observe(document, {
      childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: SPOTS,
    });
  };
  // Its address changes with its words, so the browser may keep it.
  fetch(catalogues[language], {cache: 'force-cache'}).then(answer => answer.json()).then(begin).catch(() => {});
})();
