// Fingers on the map, pictures of the star under the pointer, and the star that moves by itself once.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {map} from './map.mjs';
import {Node, plain} from './page.mjs';

// A map with fingers: `down`, `to` and `up` of each by its number; what is to be drawn next is drawn by `frame`.
const touched = (value, more) => {
  const frames = [], made = map(value, {}, {requestAnimationFrame: next => frames.push(next), ...more});
  const event = (type, id, x, y) => ({type, pointerId: id, pointerType: 'touch', button: 0, clientX: x + 100, clientY: y + 50, stopPropagation() {}, preventDefault() {}});
  const {look, host} = made;
  look('P').relayout = (_, change) => {
    made.relayouts.push(change);
    for (const axis of ['xaxis', 'yaxis']) host._fullLayout[axis].range = change[`${axis}.range`];
  };
  return {
    ...made,
    down: (id, x, y) => look('press')(event('pointerdown', id, x, y)),
    to: (id, x, y) => look('fingerMoves')(event('pointermove', id, x, y)),
    up: (id, x, y, type = 'pointerup') => look('fingerLeaves')(event(type, id, x, y)),
    frame: (now = 0) => frames.splice(0).forEach(next => next(now)),
    ranges: () => plain([host._fullLayout.xaxis.range, host._fullLayout.yaxis.range]),
  };
};
const near = (got, wanted) => got.flat().forEach((value, i) => assert.ok(Math.abs(value - wanted.flat()[i]) < 1e-9, `${got} is not ${wanted}`));

test('a finger moves the map, and what is under it stays there', () => {
  const {down, to, up, frame, ranges, triggered, drawn} = touched();
  down(1, 500, 500);
  to(1, 503, 500);  // it trembles
  frame();
  near(ranges(), [[0, 10], [0, 10]]);
  to(1, 600, 300);
  frame();
  near(ranges(), [[-1, 9], [-2, 8]]);
  up(1, 600, 300);
  assert.deepEqual([plain(triggered), drawn.length], [[], 1]);
});

test('two fingers pinch it round their middle, within its limits, and none of them taps', () => {
  const {down, to, up, frame, ranges, triggered} = touched();
  down(1, 400, 500);
  down(2, 600, 500);
  to(1, 300, 500);
  to(2, 700, 500);
  frame();
  near(ranges(), [[2.5, 7.5], [2.5, 7.5]]);
  to(1, 0, 500);
  to(2, 100000, 500);
  frame();
  near([[ranges()[0][1] - ranges()[0][0]]], [[10 / 40]]);
  up(1, 0, 500);
  up(2, 1000, 500);
  assert.deepEqual(plain(triggered), []);
});

test('a pinch that begins on a star lets it go', () => {
  const {down, to, frame, ranges, fire, triggered} = touched();
  down(1, 200, 800);
  down(2, 400, 800);
  to(1, 100, 800);
  to(2, 500, 800);
  frame();
  near([[ranges()[0][1] - ranges()[0][0]]], [[5]]);
  fire('pointerup', 100, 800);
  assert.deepEqual(plain(triggered), []);
});

test('a tap shows the image there, a second one adds a star, and a slow second one does not', () => {
  const {down, up, now, triggered} = touched();
  const tap = (at, x, y) => { now.at = at; down(1, x, y); up(1, x, y); };
  tap(1000, 500, 500);
  tap(1200, 510, 500);
  tap(2000, 500, 500);
  tap(2900, 500, 500);
  assert.deepEqual(plain(triggered), [['image', {id: 1}], ['place', {x: 5.1, y: 5}], ['image', {id: 1}], ['image', {id: 1}]]);
});

test('a finger on a star drags it, and Plotly has the fingers while a lasso is drawn', () => {
  const {down, fire, look, host, triggered} = touched();
  down(1, 200, 800);
  fire('pointerup', 201, 800);
  assert.deepEqual(plain(triggered), [['star', {id: 1}]]);
  host.dataset.drag = 'lasso';
  down(1, 500, 500);
  assert.equal(look('fingers.size'), 0);
});

test('a star under the pointer shows what it paints, asked for once it rests there, and once', () => {
  const timers = [], {look, host, element, triggered, props} = map({}, {}, {setTimeout: f => timers.push(f), clearTimeout: () => timers.splice(0)});
  const card = element.querySelector('.card'), over = (x, y) => look('hover')({clientX: x + 100, clientY: y + 50, pointerType: 'mouse'});
  timers.splice(0);
  over(200, 800);
  over(201, 800);
  timers.splice(0).forEach(f => f());
  assert.deepEqual(plain(triggered), [['peek', {id: 1}]]);
  assert.ok(!card.classList.contains('painted'));
  props.look = {id: 1, sheet: 'data:1'};
  look('looked()');
  assert.ok(card.classList.contains('painted') && card.querySelector('img').src === 'data:1');
  over(800, 200);
  assert.ok(!card.classList.contains('painted'));
  over(200, 800);
  assert.ok(card.classList.contains('painted') && timers.length === 0 && host);
  look('take()');  // another set: its stars may paint something else
  over(201, 800);
  assert.equal(timers.length, 1);
});

// A page that a new visitor has just opened, with eight pictures beside the map.
const opened = (more = {}) => {
  const kept = {}, tiles = Array.from({length: 8}, () => new Node('span')), made = touched({}, {
    localStorage: {getItem: key => kept[key] ?? null, setItem: (key, value) => { kept[key] = value; }}, ...more,
    window: {matchMedia: () => ({matches: more.still ?? false}), addEventListener() {}, removeEventListener() {}},
  });
  made.document.querySelectorAll = () => tiles;
  made.host.offsetParent = {};
  made.props.tour = {id: 1, path: [[2, 2], [4, 2], [6, 2]]};
  Object.assign(kept, more.kept);
  const run = (from, to) => { for (let now = from; now <= to; now += 50) made.frame(now); };
  return {...made, kept, run, row: () => tiles[0].style.backgroundPositionY};
};

test('once, a star is drawn along its path with its pictures, and back; then it is the visitor’s turn', () => {
  const {look, run, kept, row, element, triggered} = opened();
  look('toured()');
  run(0, 2600);
  assert.deepEqual([plain(look('dragged')), row()], [{id: 1, x: 6, y: 2}, '100%']);
  run(2650, 5000);
  assert.deepEqual([look('dragged'), look('touring'), row(), kept.toured], [null, null, '0%', '1']);
  assert.ok(element.querySelector('.turn').classList.contains('shown'));
  look('toured()');
  run(5050, 6000);
  assert.equal(look('touring'), null);
  assert.deepEqual(triggered, []);
});

test('a pointer that moves over the map ends it, and one that rests there does not', () => {
  const {look, run} = opened();
  look('toured()');
  run(0, 1300);
  const over = movementX => look('hover')({clientX: 600, clientY: 550, pointerType: 'mouse', movementX, movementY: 0});
  over(0);
  assert.equal(look('dragged').x, 4);
  over(3);
  assert.deepEqual([look('dragged'), look('touring')], [null, null]);
});

test('a press ends it at once, as if it had never been', () => {
  const {look, run, frame, row, element} = opened();
  look('toured()');
  run(0, 1300);
  assert.equal(look('dragged').x, 4);
  look('handed()');
  assert.deepEqual([look('dragged'), look('touring'), row()], [null, null, '0%']);
  frame(1400);
  assert.equal(look('dragged'), null);
  assert.ok(!element.querySelector('.turn').classList.contains('shown'));
});

test('nothing moves by itself where motion is to be reduced, for who was here before, or for who has begun', () => {
  for (const [more, before] of [[{still: true}, ''], [{kept: {toured: '1'}}, ''], [{}, 'handed();'], [{}, 'host.offsetParent = null;']]) {
    const {look} = opened(more);
    look(`${before} toured()`);
    assert.equal(look('touring'), null);
  }
});
