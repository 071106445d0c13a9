// What the map works out by itself: which names fit, where a zoom goes, what lies under the pointer, what a drag tells.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {map, star} from './map.mjs';
import {Node, plain} from './page.mjs';

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

test('what is drawn are names, which no language changes; the words among it are in the language already', async () => {
  const window = {addEventListener() {}, inOwnWords: text => `own ${text}`};
  const {look, host, drawn, element} = map({query: {x: 5, y: 5}}, {}, {window}), title = element.querySelector('.card').querySelector('b');
  host.append(new Node());
  await look('draw()');
  assert.deepEqual(host.children.map(part => part.translate), [false]);
  assert.deepEqual(plain(drawn[0][1].find(trace => trace.name === 'query').text), ['own your image']);
  for (const [k, text, translate] of [[0, 'top', false], [2, 'picture', true]]) {
    look(`tell(null, ${k}, {clientX: 0, clientY: 0})`);
    assert.deepEqual([title.textContent, title.translate], [text, translate]);
  }
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

test('a star let go outside of the map, or by Escape, stays where it was', () => {
  for (const cancel of [fire => fire('pointerup', 1200, 500), fire => fire('keydown', 0, 0, {key: 'Escape'}), fire => fire('pointercancel', 400, 600)]) {
    const {press, fire, look, triggered, drawn, listeners} = map();
    press(200, 800);
    fire('pointermove', 300, 600);
    cancel(fire);
    assert.deepEqual(plain([triggered.at(-1), look('dragged'), drawn.length]), [['star', {id: 1}], null, 1]);  // it is shown as it is
    assert.ok(Object.values(listeners).every(l => !l.length));
    fire('pointerup', 400, 600);
    assert.ok(!triggered.some(([name]) => name === 'drag'));
  }
});

test('the star in hand carries its own name, not that of the one chosen before', () => {
  const {press, fire, restyled} = map({star: 2});
  press(200, 800);
  fire('pointermove', 300, 600);
  fire('pointermove', 310, 600);
  assert.deepEqual(plain(restyled.map(r => r.text ?? null)), [[['Star 1', '']], null]);
});

test('Plotly is given ranges that it may write into, and Fit leads back to the whole map', () => {
  const {look, relayouts} = map();
  const axes = look('layout()');
  axes.xaxis.range[0] = -99;
  look('fit()');
  assert.deepEqual(plain(relayouts), [{'xaxis.range': [0, 10], 'yaxis.range': [0, 10]}]);
  relayouts[0]['xaxis.range'][1] = 99;
  assert.deepEqual(plain(look('[base.xrange, base.yrange]')), [[0, 10], [0, 10]]);
});

test('a zoom ends at its limits, by the buttons and by the wheel', () => {
  const {look, host, relayouts} = map(), stopped = deltaY => {
    let stops = 0;
    look('wheel')({deltaY, stopPropagation: () => { stops += 1; }, preventDefault: () => { stops += 1; }});
    return stops;
  };
  assert.deepEqual([stopped(-5), stopped(5)], [0, 0]);
  host._fullLayout.xaxis.range = [5, 5.25];
  assert.deepEqual([stopped(-5), stopped(5)], [2, 0]);
  look('zoom(0.5)');
  host._fullLayout.xaxis.range = [-5, 15];
  assert.deepEqual([stopped(-5), stopped(5)], [0, 2]);
  look('zoom(2)');
  assert.deepEqual(plain(relayouts.map(r => r['xaxis.range'])), [[5, 5.25], [-5, 15]]);
});

test('a lasso round nothing brings back what was faded, and the server hears of it', () => {
  const {look, triggered, drawn} = map({images: [1]});
  const before = look('layout().selectionrevision');
  look('lassoed')({lassoPoints: {x: [4, 4.5, 4.5], y: [1, 1, 2]}, points: []});
  assert.deepEqual(plain(triggered), [['lasso', {ids: [], stars: []}]]);
  assert.deepEqual([drawn.length, plain(look('value.images'))], [1, []]);
  assert.notEqual(look('layout().selectionrevision'), before);
  look('lassoed')({lassoPoints: {x: [4, 6, 6, 4], y: [4, 4, 6, 6]}, points: []});
  assert.deepEqual(plain(triggered.at(-1)), ['lasso', {ids: [1], stars: []}]);
});

test('images that the server picked out for a lasso stay so when Plotly takes its outline away', () => {
  const {look, triggered, drawn} = map({images: [1]});
  look('lassoed')({points: [], selections: []});
  assert.deepEqual(plain([look('value.images'), drawn.length, triggered]), [[1], 0, []]);
});

test('Ctrl+Y redoes as Ctrl+Shift+Z does, and not while one types', () => {
  const {look, host, triggered} = map(), press = (key, more = {}, typing = null) =>
    look('key')({key, ctrlKey: true, shiftKey: false, preventDefault() {}, target: {closest: () => typing}, ...more});
  host.offsetParent = {};
  press('z'); press('y'); press('Z', {shiftKey: true}); press('Y', {ctrlKey: false, metaKey: true}); press('y', {}, {}); press('x');
  assert.deepEqual(plain(triggered.map(([name]) => name)), ['undo', 'redo', 'redo', 'redo']);
});

test('stars that were found have their names though a faded one near by is chosen', () => {
  const {look} = map({stars: [star(1, 5, 5, 0.1), star(2, 5.2, 5, 0.4)], star: 1});
  look('found = new Set([2])');
  assert.deepEqual(plain(look('labels()')), ['', 'Star 2']);
});

test('stars that have other names are other stars to Plotly, which throws away what would hold an empty name', () => {
  const {look, press, fire} = map({star: 2}), uid = () => look('traces()[5].uid');
  const [before, again] = [uid(), uid()];
  assert.equal(before, again);
  assert.match(before, /^\w+$/);  // Plotly makes selectors of it
  look('value.star = 1');
  assert.notEqual(uid(), before);
  look('value.star = 2');
  press(200, 800);
  fire('pointermove', 300, 600);
  fire('keydown', 0, 0, {key: 'Escape'});
  assert.notEqual(uid(), before);  // what a drag has named is taken back
});

test('a picture that is put on the map is gone to, once', () => {
  const {look, relayouts} = map({query: {x: 5, y: 5}});
  look('visit()'); look('visit()');
  assert.deepEqual(plain(relayouts), [{'xaxis.range': [1.5, 8.5], 'yaxis.range': [1.5, 8.5]}]);
});
