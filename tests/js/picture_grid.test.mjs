import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Node, plain, run, template} from './page.mjs';

const ITEMS = [{id: 7, title: 'Coat 1', colour: '#fff', caption: '80 %'}, {id: 9, bar: 0.25}, {id: 4}];
const VALUE = {items: ITEMS, sheet: '', columns: 2, rows: 2, cell: 64, across: 0, selected: [9], empty: 'Nothing yet.'};
class Image { async decode() { if (this.src === 'broken') throw new Error('broken'); } }

const grid = (value = VALUE) => {
  const element = template('p.empty', 'div.pictures');
  const getComputedStyle = () => ({gridTemplateColumns: '90px 90px'});
  const page = run(['names.js', 'picture_grid.js'], element, value, {Image, getComputedStyle});
  const host = element.querySelector('.pictures');
  for (const cell of host.children) cell.focused = node => { page.document.activeElement = node; };
  return {...page, element, host};
};

test('a tile is the part of the sheet in its row and column', () => {
  const {look} = grid(null);
  const style = (tile, columns, rows) => look(`tileStyle(${tile}, ${columns}, ${rows})`);
  assert.equal(style(0, 4, 3), 'background-size:400% 300%;background-position:0% 0%');
  assert.equal(style(11, 4, 3), 'background-size:400% 300%;background-position:100% 100%');
  assert.equal(style(5, 5, 3), 'background-size:500% 300%;background-position:0% 50%');
  assert.equal(style(0, 1, 1), 'background-size:100% 100%;background-position:0% 0%');  // not 0 / 0
});

test('a cell says what its item says, and its place where it says nothing', () => {
  const {host} = grid();
  const [first, second, third] = host.children;
  assert.deepEqual(host.children.map(c => c.attributes['aria-label']), ['Coat 1, 80 %', 'picture 2', 'picture 3']);
  assert.equal(first.querySelector('.title').textContent, 'Coat 1');
  assert.equal(first.querySelector('i').style.background, '#fff');
  assert.equal(first.querySelector('.caption').textContent, '80 %');
  assert.equal(first.querySelector('.share'), null);
  assert.equal(second.querySelector('.share').style.set['--share'], '0.25');
  assert.equal(third.children.length, 1);
});

test('the name of a prototype or a class says that it is one, for those that exchange words; other titles do not', () => {
  const {host} = grid({...VALUE, items: [ITEMS[0], {id: 5, title: 'One picture, more and more steps'}, {id: 6, title: 'Size', named: true}]});
  assert.deepEqual(host.children.map(c => c.querySelector('.title').translate), [false, undefined, false]);
});

test('a bar of nothing is a bar, and a tile of its own is taken from there', () => {
  const {host} = grid({...VALUE, items: [{id: 1, bar: 0, tile: 3}]});
  assert.equal(host.querySelector('.share').style.set['--share'], '0');
  assert.match(host.querySelector('.tile').style.cssText, /100% 100%$/);
});

test('each click has a number greater than the one before', () => {
  const {host, triggered} = grid();
  for (let i = 0; i < 3; i++) host.dispatch('click', {target: host.children[2]});
  const turns = triggered.map(([, {turn}]) => turn);
  assert.ok(turns[0] > 1e12 && turns[1] > turns[0] && turns[2] > turns[1]);
});

test('chosen cells are marked, and marks move without new cells', async () => {
  const {host, give} = grid();
  const cells = [...host.children], pressed = () => host.children.map(c => c.attributes['aria-pressed']);
  assert.deepEqual(pressed(), ['false', 'true', 'false']);
  await give({...VALUE, selected: [7, 4]});
  assert.deepEqual(pressed(), ['true', 'false', 'true']);
  assert.ok(host.children.every((cell, i) => cell === cells[i]));
  await give({...VALUE, items: ITEMS.slice(1)});
  assert.equal(host.children.length, 2);
});

test('a click reports the id of the picture, and between pictures nothing', () => {
  const {host, triggered} = grid();
  host.dispatch('click', {target: host.children[2].children[0]});
  host.dispatch('click', {target: host});
  assert.deepEqual(plain(triggered.map(([name, {id}]) => [name, {id}])), [['pick', {id: 4}]]);
});

test('pictures that only stand there are no buttons', () => {
  const {host, triggered} = grid({...VALUE, still: true});
  host.dispatch('click', {target: host.children[0]});
  assert.deepEqual([host.children[0].tagName, triggered.length], ['DIV', 0]);
});

test('an empty grid says so', () => {
  const {element, host} = grid({...VALUE, items: []});
  assert.deepEqual([element.querySelector('.empty').textContent, host.children.length], ['Nothing yet.', 0]);
});

test('a sheet is shown once it is decoded, and the last one stays where the next is broken', async () => {
  const {host, give} = grid();
  assert.equal(host.style.set['--sheet'], 'none');
  await give({...VALUE, sheet: 'data:first'});
  assert.equal(host.style.set['--sheet'], 'url("data:first")');
  await give({...VALUE, sheet: 'broken'});
  assert.equal(host.style.set['--sheet'], 'url("data:first")');
});

test('arrows go from picture to picture and stop at the ends', () => {
  const {host, document} = grid(), key = name => host.dispatch('keydown', {key: name});
  host.children[0].focus();
  for (const [name, at] of [['ArrowRight', 1], ['ArrowRight', 2], ['ArrowRight', 2], ['ArrowLeft', 1], ['Home', 1]]) {
    key(name);
    assert.equal(document.activeElement, host.children[at]);
  }
});

test('arrows go up and down by a row, and the grid is one tab stop, where one was last', () => {
  const {host, document} = grid(), stops = () => host.children.map(cell => cell.tabIndex);
  assert.deepEqual(stops(), [-1, 0, -1]);  // the chosen one
  const focus = i => { host.children[i].focus(); host.dispatch('focusin', {target: host.children[i]}); };
  focus(0);
  for (const [name, at] of [['ArrowDown', 2], ['ArrowDown', 2], ['ArrowUp', 0], ['ArrowUp', 0]]) {
    host.dispatch('keydown', {key: name});
    assert.equal(document.activeElement, host.children[at]);
  }
  focus(2);
  assert.deepEqual(stops(), [-1, -1, 0]);
});

test('a picture that changes under the keyboard keeps it', async () => {
  const {host, document, give} = grid();
  host.children[1].focus();
  const before = host.children[1];
  document.createElement = (make => tag => { const node = make(tag); node.focused = n => { document.activeElement = n; }; return node; })(document.createElement);
  await give({...VALUE, items: [ITEMS[1], {...ITEMS[0], caption: 'muted'}]});
  assert.deepEqual([document.activeElement.dataset.id, document.activeElement === before], ['9', false]);
});

test('a name that is too long loses its middle, not its number, and has a tooltip', () => {
  const {look, host} = grid({...VALUE, items: [{id: 1, title: 'Annual crop 12'}]});
  const parts = name => plain(look(`shortened(${JSON.stringify(name)}).map(s => [s.className, s.textContent])`));
  assert.deepEqual(parts('Annual crop 12'), [['stem', 'Annual crop'], ['number', ' 12']]);
  assert.deepEqual(parts('Annual crop 1 copy 2'), [['stem', 'Annual crop'], ['number', ' 1 copy 2']]);
  assert.deepEqual(parts('Bag 1 + Boot 2'), [['stem', 'Bag 1 + Boot'], ['number', ' 2']]);
  for (const whole of ['Bag', '12', 'My own']) assert.deepEqual(parts(whole), [['stem', whole]]);
  assert.deepEqual([host.children[0].title, host.querySelector('.title').textContent], ['Annual crop 12', 'Annual crop 12']);
});

test('what cannot be used looks so, and a click on it is heard all the same', () => {
  const {host, triggered} = grid({...VALUE, items: [{id: 1, off: true}, {id: 2}]});
  assert.deepEqual(host.children.map(c => [c.classList.contains('off'), c.attributes['aria-disabled']]), [[true, 'true'], [false, undefined]]);
  host.dispatch('click', {target: host.children[0]});
  assert.deepEqual(plain(triggered.map(([name, {id}]) => [name, {id}])), [['pick', {id: 1}]]);
});

test('pointing at a picture marks those of its id in the grids beside it', () => {
  const twins = Object.assign(new Node(), {className: 'twins'}), [one, other] = [grid(), grid()];
  twins.append(one.element, other.element);
  const marked = () => twins.querySelectorAll('button.cell').filter(c => c.classList.contains('twin')).map(c => c.dataset.id);
  one.host.dispatch('pointerover', {target: one.host.children[1].children[0]});
  assert.deepEqual(marked(), ['9', '9']);
  one.host.dispatch('pointerleave');
  assert.deepEqual(marked(), []);
});

test('a grid that is to hold its place stays as tall as it was, until it need not', async () => {
  const {host, give} = grid();
  host.offsetHeight = 400;
  await give({...VALUE, items: ITEMS.slice(1), still: true, hold: true});
  assert.equal(host.style.minHeight, '400px');
  await give(VALUE);
  assert.equal(host.style.minHeight, '');
});
