// The page in another language: which one, what is exchanged, and what stays.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {run, template} from './page.mjs';

const ENTRIES = {
  'Steps': 'Schritte', 'Stop': 'Anhalten', 'none': 'nichts', 'Find a prototype': 'Prototyp suchen',
  'step {n} of {total}': 'Schritt {n} von {total}', '{method}: step {n} of {total}': '{method}: Schritt {n} von {total}',
  'Unconditional': 'Unbedingt', 'muted {name}': '{name} stumm', '{field}: expected {what}, got {value}': '{field}: erwartet {what}, bekommen {value}',
  'Copied.': 'Kopiert.', 'Seed {n}.': 'Seed {n}.', 'Settings: {list}.': 'Einstellungen: {list}.', 'batch: {n}': 'Stapel: {n}',
  'images {n} of {size}': 'Bilder   {n} mit {size}', 'note {what}': 'Hinweis  {what}', 'Really?': 'Wirklich?', 'paint': ' malen',
};

// As much of a document as the script needs: elements and texts that tell of changes.
const TEXT = 3, ELEMENT = 1;
class Text {
  nodeType = TEXT;
  constructor(text) { this.said = text; this.writes = 0; }
  get data() { return this.said; }
  set data(text) { this.said = text; this.writes += 1; }
}
class Element {
  nodeType = ELEMENT;
  constructor(tag, attributes = {}, ...children) {
    Object.assign(this, {tag, attributes, children, writes: 0});
    for (const child of children) child.parentElement = this;
  }
  hasAttribute(name) { return name in this.attributes; }
  getAttribute(name) { return this.attributes[name] ?? null; }
  setAttribute(name, value) { this.attributes[name] = value; this.writes += 1; }
  matches(selector) {
    return selector.split(', ').some(one => {
      if (one[0] === '.') return this.attributes.class === one.slice(1);
      const [, tag, name, value] = one.match(/^(\w*)(?:\[([\w-]+)(?:=(\w+))?\])?$/);
      return (!tag || this.tag === tag) && (!name || (value ? this.attributes[name] === value : name in this.attributes));
    });
  }
  closest(selector) { return this.matches(selector) ? this : this.parentElement?.closest(selector) ?? null; }
  all() { return this.children.flatMap(child => [child, ...child.all?.() ?? []]); }
}
class Input extends Element {
  get value() { return this.shown ?? ''; }
  set value(text) { this.shown = text; }
}

// A page of these parts in a browser of these languages; `changed` is what a browser tells of a change.
const page = async (languages, parts = [], search = '') => {
  const root = new Element('html', {lang: 'en'}, ...parts), asked = [], told = [], watched = [];
  const navigator = {languages, language: languages[0]}, window = {alert: text => told.push(text), confirm: text => told.push(text)};
  const document = {
    documentElement: root, all: () => [root, ...root.all()],
    createTreeWalker: from => {
      const nodes = from.all();
      return {currentNode: from, nextNode() { this.currentNode = nodes.shift(); return this.currentNode; }};
    },
  };
  run(['../words/words.js'], template(), null, {
    catalogues: {de: '/words/de.json?v=1'}, navigator, window, document, location: {search}, URLSearchParams, HTMLInputElement: Input,
    Node: {TEXT_NODE: TEXT, ELEMENT_NODE: ELEMENT}, NodeFilter: {SHOW_TEXT: 4, SHOW_ELEMENT: 1},
    MutationObserver: function (seen) { return {observe: (target, what) => watched.push([seen, what])}; },
    fetch: async url => { asked.push(url); return {json: async () => ENTRIES}; },
  });
  await new Promise(setImmediate);
  const changed = (...records) => { for (const [seen] of watched) seen(records); };
  return {asked, told, watched, root, window, navigator, changed};
};
// What stands on a German page where these texts are written.
const said = async (...texts) => {
  const nodes = texts.map(text => new Text(text));
  await page(['de-DE'], [new Element('p', {}, ...nodes)]);
  return nodes.map(node => node.data);
};

test('the language is the first that there is of those that the browser wants, and the address may ask for another', async () => {
  for (const [languages, search, wanted] of [
    [['en-US', 'de'], '', 'en'], [['fr', 'en', 'de'], '', 'en'], [['fr'], '', 'en'], [['de-AT', 'en'], '', 'de'], [['fr', 'DE', 'en'], '', 'de'],
    [['en'], '?seed=1&lang=de', 'de'], [['de'], '?lang=en', 'en'], [['de'], '?lang=xx', 'de'],
  ]) {
    const {asked, watched, root, navigator, window} = await page(languages, [], search);
    assert.deepEqual(asked, wanted === 'de' ? ['/words/de.json?v=1'] : []);
    assert.equal(watched.length, wanted === 'de' ? 1 : 0);
    assert.equal(root.attributes.lang ?? root.lang, 'en');
    assert.equal(root.lang, wanted === 'de' ? 'de' : undefined);
    // Gradio asks for this alone.
    assert.equal(navigator.language, wanted === 'de' || search === '?lang=en' ? wanted : languages[0]);
    assert.equal('inOwnWords' in window, wanted === 'de');
  }
});

test('whole texts and those with holes are exchanged, with the white space round them; others stay', async () => {
  assert.deepEqual(await said('Steps', '\n  Steps ', 'step 3\n  of 10', 'Bag 1', '12 %', 'stepping', 'paint'),
    ['Schritte', '\n  Schritte ', 'Schritt 3 von 10', 'Bag 1', '12 %', 'stepping', ' malen']);
});

test('what fills a hole is exchanged, but not a name; the pattern that says most is taken', async () => {
  assert.deepEqual(await said('Unconditional: step 1 of 2', 'muted Stop', 'Steps: expected none, got 3'),
    ['Unbedingt: Schritt 1 von 2', 'Stop stumm', 'Schritte: erwartet nichts, bekommen 3']);
});

test('sentences one after another, the parts of a list, and the lines of what is laid out in lines', async () => {
  assert.deepEqual(await said('Copied. Seed 7. Seed 8.', 'Copied. Unknown.', 'Settings: batch: 4; own: 3, none.'),
    ['Kopiert. Seed 7. Seed 8.', 'Copied. Unknown.', 'Einstellungen: Stapel: 4; own: 3, nichts.']);
  const lines = new Text('images      3 of 32\nnote        none\n');
  await page(['de'], [new Element('pre', {}, lines)]);
  assert.equal(lines.data, 'Bilder   3 mit 32\nHinweis  nichts\n');
});

test('numbers in words, with a unit or in a table are written as the language has them; names, versions and what may be somebody\'s are not', async () => {
  assert.deepEqual(await said('step 0.5 of 1,000', 'images 756,096 of 1.2 MB', 'Steps: expected none, got -0.5', 'muted 1,000', 'step 3.11.2 of v1.5'),
    ['Schritt 0,5 von 1.000', 'Bilder   756.096 mit 1,2 MB', 'Schritte: erwartet nichts, bekommen -0.5', '1,000 stumm', 'Schritt 3.11.2 von v1.5']);
  assert.deepEqual(await said('2.2 %', ' 0.1 s / 1,234.5 ms', '1.5', '1,000', 'Bag 1.5', '0.5 simple'), ['2,2 %', ' 0,1 s / 1.234,5 ms', '1.5', '1,000', 'Bag 1.5', '0.5 simple']);
  const cells = [new Text('0.0068 ± 1,000'), new Text('315,904')];
  await page(['de'], [new Element('td', {}, new Element('b', {}, cells[0])), new Element('div', {class: 'bar'}, cells[1])]);
  assert.deepEqual(cells.map(cell => cell.data), ['0,0068 ± 1.000', '315.904']);
});

test('attributes that are read are exchanged, and no others', async () => {
  const field = new Element('input', {'placeholder': 'Find a prototype', 'aria-label': 'Steps', 'title': 'Stop', 'alt': 'none', 'name': 'Steps'});
  await page(['de'], [field]);
  assert.deepEqual(field.attributes, {'placeholder': 'Prototyp suchen', 'aria-label': 'Schritte', 'title': 'Anhalten', 'alt': 'nichts', 'name': 'Steps'});
});

test('what somebody types, code, and what says so stays as it is', async () => {
  const made = [['script'], ['style'], ['textarea'], ['div', {contenteditable: ''}], ['code'], ['b', {translate: 'no', title: 'Stop'}]];
  const texts = made.map(() => new Text('Stop'));
  const parts = made.map(([tag, attributes], i) => new Element(tag, attributes, new Element('i', {}, texts[i])));
  await page(['de'], parts);
  assert.ok(texts.every(text => text.data === 'Stop') && parts.at(-1).attributes.title === 'Stop');
});

test('later changes are followed, and one of its own is not taken for another', async () => {
  const text = new Text('Steps'), cell = new Element('p', {title: 'Stop'}, text);
  const {changed} = await page(['de'], [cell]);
  const again = () => changed({type: 'characterData', target: text}, {type: 'attributes', target: cell, attributeName: 'title'});
  again();
  assert.deepEqual([text.data, text.writes, cell.attributes.title, cell.writes], ['Schritte', 1, 'Anhalten', 1]);
  text.said = 'step 1 of 2';
  cell.attributes.title = 'none';
  again();
  again();
  assert.deepEqual([text.data, text.writes, cell.attributes.title, cell.writes], ['Schritt 1 von 2', 2, 'nichts', 2]);
  const late = new Text('Stop'), alone = new Text('Copied.');
  changed({type: 'childList', addedNodes: [new Element('div', {}, new Element('p', {}, late)), alone]});
  assert.deepEqual([late.data, alone.data], ['Anhalten', 'Kopiert.']);
});

test('a list shows its choice in the language, and its script still reads what it wrote', async () => {
  const list = new Input('input', {role: 'combobox'}), field = new Input('input', {});
  list.value = field.value = 'Steps';
  const {changed} = await page(['de'], [list, field]);
  assert.deepEqual([list.shown, list.value, field.shown], ['Schritte', 'Steps', 'Steps']);
  changed({type: 'childList', addedNodes: [list]});
  list.value = 'Stop';
  assert.deepEqual([list.shown, list.value], ['Anhalten', 'Stop']);
  list.shown = 'Sch';  // typed
  assert.equal(list.value, 'Sch');
});

test('a question that a script asks is asked in the language', async () => {
  const {window, told} = await page(['de']);
  window.confirm('Really?');
  window.alert('Bag 1');
  assert.deepEqual(told, ['Wirklich?', 'Bag 1']);
});
