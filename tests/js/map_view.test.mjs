// What the map works out by itself: which names fit, where a zoom goes, what lies under the pointer, what a drag tells.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Node, plain, run, template} from './page.mjs';

const bytes = array => Buffer.from(array.buffer).toString('base64');
const star = (id, x, y, usage, more = {}) => ({id, x, y, usage, moved: 0, name: `Star ${id}`, colour: '#102030', cover: 0, share: '2 %', muted: false, ghost: null, ...more});
const BASE = {
  model: 'tiny', xrange: [0, 10], yrange: [0, 10], x: bytes(new Uint16Array([0, 32768, 65535])), y: bytes(new Uint16Array([0, 32768, 65535])),
  labels: bytes(new Int16Array([0, 1, -1])), nearest: bytes(new Int32Array([1, 1, 2])), classColours: ['#ff0000', '#00ff00'],
  classNames: ['top', 'bottom'], classes: [], sheet: {url: 'data:', count: 3, columns: 2}, kind: 'picture', generated: false, live: true,
};
const VALUE = {stars: [star(1, 2, 2, 0.5), star(2, 8, 8, 0.1)], images: [], star: null, query: null, revision: 0, nearest: {rows: bytes(new Int32Array([2])), ids: bytes(new Int32Array([1]))}};
// 1,000 x 1,000 pixels that show 0 to 10 both ways.
const axis = flip => ({range: [0, 10], _length: 1000, l2p: v => flip ? 1000 - 100 * v : 100 * v, p2l: p => (flip ? 1000 - p : p) / 100});

// The script with its map "drawn": what starts it waits for Plotly, which never comes here, so its parts are set up by hand.
const map = (value = {}, base = {}) => {
  const element = template('div.plot', 'div.card', 'div.tools', 'canvas'), listeners = {}, relayouts = [], now = {at: 1000};
  element.querySelector('.card').append(new Node('b'), new Node('small'), new Node('span'));
  const host = element.querySelector('.plot');
  Object.assign(host, {_fullLayout: {xaxis: axis(false), yaxis: axis(true)}, clientWidth: 1000, clientHeight: 1000, getBoundingClientRect: () => ({left: 100, top: 50})});
  const window = {
    addEventListener: (type, listener) => { (listeners[type] ??= []).push(listener); },
    removeEventListener: (type, listener) => { listeners[type] = listeners[type].filter(l => l !== listener); },
  };
  const page = run(['map_dots.js', 'map_view.js'], element, {...VALUE, ...value}, {
    window, Image: Node, setTimeout: () => {}, performance: {now: () => now.at}, getComputedStyle: () => ({getPropertyValue: name => ` ${name} `}), relayouts,
  });
  page.props.base = {...BASE, ...base};
  page.look('take(); P = {relayout: (_, change) => relayouts.push(change), restyle: () => {}, react: async () => {}}');
  const fire = (type, x, y) => (listeners[type] ?? []).slice().forEach(f => f({type, clientX: x + 100, clientY: y + 50}));
  const press = (x, y) => {
    page.look('press')({clientX: x + 100, clientY: y + 50, button: 0, pointerType: 'mouse', stopPropagation() {}, preventDefault() {}});
  };
  return {...page, element, host, relayouts, now, fire, press};
};

test('what the server changed about the nearest prototypes lies over what it sent at first', () => {
  const {look} = map();
  assert.deepEqual(plain(look('[...nearest]')), [1, 1, 1]);
  assert.deepEqual(plain(look('[...base.nearest]')), [1, 1, 2]);
});

test('dots have the colour of their class, grey where they have none, or of their prototype', () => {
  const {look} = map();
  assert.deepEqual(plain(look('[...dotColours()]')), [0x0000ff, 0x00ff00, 0x888888]);
  look(`mode = 'prototype'`);
  assert.deepEqual(plain(look('[...dotColours()]')), Array(3).fill(0x302010));
});

test('names are never read as HTML', () => {
  assert.equal(map().look(`literal('<b>Bag</b> & co')`), '&lt;b>Bag&lt;/b> &amp; co');
});

test('far away only the chosen star and those that were found are named', () => {
  const {look} = map({star: 2});
  assert.deepEqual(plain(look('labels()')), ['', 'Star 2']);
  look('found = new Set([1])');
  assert.deepEqual(plain(look('labels()')), ['Star 1', 'Star 2']);
});

test('close by, names are given by usage, and none where it would touch another', () => {
  const stars = [star(1, 5, 5, 0.1), star(2, 5.2, 5, 0.4), star(3, 5, 5.5, 0.2), star(4, 9, 5, 0), star(5, 9, 5.12, 0.05)];
  const {look} = map({stars});
  look('range = [3, 6]');
  assert.deepEqual(plain(look('labels()')), ['', 'Star 2', 'Star 3', '', 'Star 5']);
  look('value.star = 1');
  assert.deepEqual(plain(look('labels()')), ['Star 1', '', 'Star 3', '', 'Star 5']);
});

test('names of classes that would lie on each other are moved down', () => {
  const classes = [{name: 'top', x: 5, y: 5}, {name: 'bottom', x: 5, y: 5.05}, {name: 'left', x: 1, y: 5}];
  const {look} = map({}, {classes});
  const shifts = Object.fromEntries(plain(look('classNames()')).map(a => [a.text, a.yshift]));
  assert.deepEqual([Math.abs(shifts.bottom), shifts.left], [0, 0]);
  assert.ok(shifts.top <= -15);
  for (const other of [`mode = 'usage'`, `mode = 'class'; range = [0, 5]`]) assert.equal(look(`${other}; classNames()`).length, 0);
});

test('rarely used stars are left out, but never the chosen one or one that was found', () => {
  const {look} = map({stars: [star(1, 2, 2, 0.5), star(2, 8, 8, 0.1), star(3, 4, 4, 0)], star: 3});
  look('least = 0.2');
  assert.deepEqual(plain(look('stars().map(s => s.id)')), [1, 3]);
  look('found = new Set([2])');
  assert.deepEqual(plain(look('stars().map(s => s.id)')), [1, 2, 3]);
});

test('a moved star has a line and an arrow from where it was', () => {
  const {look} = map({stars: [star(1, 2, 2, 0.5, {ghost: [1, 1]}), star(2, 8, 8, 0.1)]});
  const [arrow, ...others] = plain(look('arrows()'));
  assert.deepEqual([arrow.x, arrow.y, arrow.ax, arrow.ay, others.length], [2, 2, 1, 1, 0]);
  assert.deepEqual(plain(look('traces()[1].x')), [1, 2, null]);
});

test('a zoom keeps the middle', () => {
  const {look, relayouts} = map();
  look('zoom(0.5)');
  assert.deepEqual(plain(relayouts), [{'xaxis.range': [2.5, 7.5], 'yaxis.range': [2.5, 7.5]}]);
});

test('a single star that was found is gone to, and the end of the search leads back', async () => {
  const {look, relayouts, props} = map();
  for (const found of [[1], [1, 2], [], []]) {
    props.found = found;
    await look('seek()');
  }
  assert.deepEqual(plain(relayouts), [{'xaxis.range': [-1.5, 5.5], 'yaxis.range': [-1.5, 5.5]}, {'xaxis.range': [0, 10], 'yaxis.range': [0, 10]}]);
});

test('the nearest star within reach is under the pointer', () => {
  const {look} = map();
  const at = (x, y) => look(`starAt({clientX: ${x + 100}, clientY: ${y + 50}})?.id`);
  assert.deepEqual([at(205, 805), at(800, 205), at(500, 500)], [1, 2, undefined]);
});

test('a press without a way is a click on the star, or on the image where there is none', () => {
  const {press, fire, triggered} = map();
  press(200, 800);
  fire('pointermove', 202, 801);
  fire('pointerup', 202, 801);
  press(500, 500);
  fire('pointerup', 501, 500);
  assert.deepEqual(plain(triggered), [['star', {id: 1}], ['image', {id: 1}]]);
});

test('a dragged star says where it is now and then, and where it was dropped', () => {
  const {press, fire, now, triggered} = map();
  press(200, 800);
  for (const [ms, x] of [[1000, 300], [1100, 350], [1200, 400]]) {
    now.at = ms;
    fire('pointermove', x, 600);
  }
  fire('pointerup', 400, 600);
  fire('pointermove', 900, 900);  // nobody holds it any more
  const at = x => ({id: 1, x, y: 4});
  assert.deepEqual(plain(triggered), [['dragging', at(3)], ['dragging', at(4)], ['drag', at(4)]]);
});

test('a tile is cut from the sheet it lies on, of several', () => {
  const sheet = {urls: ['data:one', 'data:two'], url: 'data:one', count: 9, columns: 3, perSheet: 6};
  const {look, element} = map({}, {sheet});
  assert.deepEqual(plain(look('[onSheet(0), onSheet(5), onSheet(7)]')), [
    {sheet: 0, rows: 2, column: 0, row: 0}, {sheet: 0, rows: 2, column: 2, row: 1}, {sheet: 1, rows: 1, column: 1, row: 0},
  ]);
  look('tile(7)');
  assert.equal(element.querySelector('.card').querySelector('span').style.backgroundImage, 'url("data:two")');
});
