// The mixer and the two lists of buttons.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {plain, run, template} from './page.mjs';

const ITEMS = [{id: 3, name: 'Bag 1', colour: '#123456', picture: 'data:3'}, {id: 40, name: 'Boot 1', colour: '#654321', picture: 'data:40'}];

const mixer = (weights = [1, 0.25], items = ITEMS) => {
  const element = template('div.mixer', 'p.note'), now = {at: 1000};
  return {element, now, ...run(['names.js', 'mixer.js'], element, {items, weights, empty: 'Pick some.'}, {performance: {now: () => now.at}})};
};
const shares = element => element.querySelectorAll('output').map(o => o.textContent);

test('the mixer shows each weight as its share of all', () => {
  assert.deepEqual(shares(mixer([1, 0.25]).element), ['80 %', '20 %']);
  assert.deepEqual(shares(mixer([0, 0]).element), ['0 %', '0 %']);  // not 0 / 0
});

test('shares follow a slider while it moves, and it reports all weights once it is let go', () => {
  const {element, triggered} = mixer();
  const [, second] = element.querySelectorAll('input');
  second.value = '1';
  second.dispatch('input');
  const all = {ids: [3, 40], weights: [1, 1]};
  assert.deepEqual([shares(element), plain(triggered)], [['50 %', '50 %'], [['mixing', all]]]);
  second.dispatch('change');
  assert.deepEqual(plain(triggered), [['mixing', all], ['mix', all]]);
});

test('it says now and then what a moved slider would mix, so that pictures can follow', () => {
  const {element, triggered, now} = mixer();
  const [, second] = element.querySelectorAll('input');
  for (const [ms, weight] of [[1000, 0.5], [1100, 0.6], [1200, 0.7]]) {
    now.at = ms;
    second.value = weight;
    second.dispatch('input');
  }
  assert.deepEqual(plain(triggered), [['mixing', {ids: [3, 40], weights: [1, 0.5]}], ['mixing', {ids: [3, 40], weights: [1, 0.7]}]]);
});

test('a slider stays in hand when its weight comes back from the server, and the others take theirs', async () => {
  const {element, document, give} = mixer(), before = element.querySelectorAll('input');
  before[0].value = 0.9;
  document.activeElement = before[0];
  await give({items: ITEMS, weights: [0.8, 0.4], empty: ''});
  assert.deepEqual(element.querySelectorAll('input').map(slider => [before.includes(slider), Number(slider.value)]), [[true, 0.9], [true, 0.4]]);
});

test('what is taken out of the mixer is reported by its id', () => {
  const {element, triggered} = mixer();
  element.querySelectorAll('button')[1].dispatch('click');
  assert.deepEqual(plain(triggered), [['drop', {id: 40}]]);
});

test('an empty mixer says what to do; the same value again leaves the sliders as they are', async () => {
  assert.equal(mixer([], []).element.querySelector('.note').textContent, 'Pick some.');
  const {element, give} = mixer(), before = element.querySelectorAll('input');
  assert.equal(element.querySelector('.note').textContent, '');
  await give({items: ITEMS, weights: [1, 0.25], empty: ''});
  assert.ok(element.querySelectorAll('input').every((slider, i) => slider === before[i]));
  await give({items: ITEMS, weights: [1, 1], empty: ''});
  assert.deepEqual(shares(element), ['50 %', '50 %']);
});

test('the list of edits marks the current one and those that were undone, and leads to any', () => {
  const element = template('ol');
  const {triggered} = run(['edit_log.js'], element, {entries: ['as it was', 'moved a', 'moved b'], first: 10, current: 11});
  const buttons = element.querySelectorAll('button');
  assert.deepEqual(buttons.map(b => b.attributes['aria-current']), [undefined, 'step', undefined]);
  assert.deepEqual(buttons.map(b => b.classList.contains('undone')), [false, false, true]);
  buttons[2].dispatch('click');
  assert.deepEqual(plain(triggered), [['go', {index: 12}]]);
});

test('what was found is opened by its id', () => {
  const element = template('div.row');
  const {triggered} = run(['found_list.js'], element, {items: ITEMS, text: 'and 2 more'});
  assert.equal(element.textContent, 'Bag 1Boot 1and 2 more');
  element.querySelectorAll('button')[1].dispatch('click');
  assert.deepEqual(plain(triggered), [['open', {id: 40}]]);
});

test('names in the mixer and among what was found keep their numbers, and are whole in a tooltip', () => {
  const items = [{...ITEMS[0], name: 'Annual crop 7'}], found = template('div.row'), {element} = mixer([1], items);
  run(['found_list.js'], found, {items, text: ''});
  assert.deepEqual([element.querySelector('.number').textContent, found.querySelector('span').textContent], [' 7', 'Annual crop 7']);
  assert.deepEqual([element.querySelector('.name').title, found.querySelector('button').title], ['Annual crop 7', 'Annual crop 7']);
});
