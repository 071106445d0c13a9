// The map by the keyboard: where the keys go, what they carry, and what is said and drawn of it.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {map, star} from './map.mjs';
import {plain} from './page.mjs';

// Pixels: Star 1 at 500, 500; 2 right of it, 3 further right and down, 4 above, 5 far to the left.
const STARS = [star(1, 5, 5, 0.5), star(2, 7, 5.5, 0.1), star(3, 8, 3, 0.1), star(4, 5, 8, 0.1), star(5, 1, 5, 0.1, {muted: true})];

const keyed = (value, base) => {
  const made = map({stars: STARS, ...value}, base);
  let taken = 0;
  const press = (...keys) => keys.forEach(name => {
    const [shift, key] = name.startsWith('+') ? [true, name.slice(1)] : [false, name];
    made.look('onMap')({key, shiftKey: shift, preventDefault: () => { taken += 1; }});
  });
  const ring = made.element.querySelector('.ring'), said = () => made.element.querySelector('.said').textContent;
  return {...made, keys: press, ring, said, taken: () => taken};
};

test('arrow keys go to the nearest star in their direction, ring it and say its name', () => {
  const {keys, look, ring, said, triggered, element} = keyed({star: 1}), at = [];
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'ArrowUp', 'ArrowDown', 'ArrowLeft']) {
    keys(key);
    at.push(look('ringed'));
  }
  assert.deepEqual(at, [2, 3, 1, 4, 4, 1, 5]);  // above Star 4 there is none
  assert.deepEqual([ring.style.left, ring.style.top, ring.className], ['100px', '500px', 'ring there']);
  assert.equal(said(), 'Star 5, prototype, muted');
  assert.equal(element.querySelector('.card').querySelector('b').textContent, 'Star 5');
  assert.deepEqual(plain(triggered), []);
});

test('every star can be come to, also where many lie in each other\'s way', () => {
  const random = (seed => () => (seed = seed * 16807 % 2147483647) / 2147483647)(7);
  const {look} = keyed({stars: Array.from({length: 60}, (_, i) => star(i, 10 * random(), 10 * random(), 0.1))});
  const seen = new Set([0]), ways = plain(look('Object.values(WAYS)'));
  for (const id of seen) for (const way of ways) seen.add(look(`(beside(value.stars[${id}], [${way}]) ?? value.stars[${id}]).id`));
  assert.equal(seen.size, 60);
});

test('the keys begin at the star in the middle, where none is chosen, and Enter chooses one', () => {
  const {keys, triggered, look, taken} = keyed();
  keys('Enter', 'ArrowRight', ' ', 'x', 'Tab', 'Escape');
  assert.deepEqual(plain(triggered), [['star', {id: 1}], ['star', {id: 2}]]);
  assert.equal(taken(), 3);  // all other keys are the page's
  look('value.stars = []');
  keys('ArrowRight', 'Enter');
});

test('Shift and arrows carry the star as the hand does, Enter lets it go there', () => {
  const {keys, triggered, now, restyled, ring, look} = keyed({star: 1});
  for (const [ms, key] of [[1000, '+ArrowRight'], [1050, '+ArrowRight'], [1300, 'ArrowUp']]) { now.at = ms; keys(key); }
  assert.deepEqual(plain(triggered), [['dragging', {id: 1, x: 5.12, y: 5}], ['dragging', {id: 1, x: 5.24, y: 5.12}]]);
  assert.equal(restyled.length, 3);
  assert.deepEqual([ring.style.left, ring.style.top], ['524px', '488px']);
  keys('Enter');
  assert.deepEqual(plain(triggered.at(-1)), ['drag', {id: 1, x: 5.24, y: 5.12}]);
  keys('+ArrowRight', 'Escape');  // until the server has answered
  assert.equal(triggered.length, 3);
  look('dragged = null');
  keys('+ArrowDown');
  assert.deepEqual(plain(triggered.at(-1)), ['dragging', {id: 1, x: 5, y: 4.88}]);
});

test('a star that is carried stays on the map', () => {
  const {keys, look} = keyed({star: 5});
  for (let i = 0; i < 12; i++) keys('+ArrowLeft');
  assert.deepEqual(plain(look('dragged')), {id: 5, x: 0, y: 5});
});

test('the line that tells the keys goes up where the ring is low', () => {
  const {keys, element} = keyed({stars: [star(1, 5, 5, 0.5), star(2, 5, 0.5, 0.1)], star: 1}), line = element.querySelector('.keys');
  for (const [key, name] of [['ArrowDown', 'keys above'], ['ArrowUp', 'keys']]) {
    keys(key);
    assert.equal(line.className, name);
  }
});

test('Escape takes a carried star back, and so does leaving the map or a press on it', () => {
  for (const give of [made => made.keys('Escape'), made => made.look('blurred()'), made => made.press(900, 900)]) {
    const made = keyed({star: 1});
    made.keys('+ArrowRight');
    give(made);
    assert.deepEqual(plain([made.look('dragged'), made.look('held'), made.triggered.at(-1)]), [null, null, ['star', {id: 1}]]);
    assert.ok(!made.triggered.some(([name]) => name === 'drag'));
  }
});

test('a star out of view is gone to', () => {
  const {keys, relayouts} = keyed({stars: [star(1, 5, 5, 0.5), star(2, 12, 5, 0.1)], star: 1});
  keys('ArrowRight');
  assert.deepEqual(plain(relayouts), [{'xaxis.range': [7, 17], 'yaxis.range': [0, 10]}]);
});

test('what the server sends does not take a star out of the hand, and puts one that was let go where it says', async () => {
  const {keys, press, fire, look, give, props} = keyed({star: 1}), value = JSON.parse(props.value);
  for (const [begin, end] of [[() => keys('+ArrowRight'), () => keys('Enter')], [() => { press(500, 500); fire('pointermove', 512, 500); }, () => fire('pointerup', 512, 500)]]) {
    begin();
    await give(value);
    assert.deepEqual(plain(look('dragged')), {id: 1, x: 5.12, y: 5});
    end();
    await give(value);
    assert.equal(look('dragged'), null);
  }
});
