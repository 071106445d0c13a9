// The drawer of tools under the map.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Node, run, template} from './page.mjs';

const drawer = kept => {
  const page = new Node(), handle = new Node('button'), storage = {drawer: kept}, heard = [];
  handle.scrollIntoView = () => { handle.inView = true; };
  handle.closest = selector => selector === '#drawer' ? handle : null;
  const {look} = run(['drawer.js'], template(), null, {
    document: {documentElement: page, addEventListener: (type, listener) => heard.push(listener)},
    localStorage: {getItem: key => storage[key] ?? null, setItem: (key, value) => { storage[key] = value; }},
  });
  return {page, handle, storage, look, click: target => heard.forEach(listener => listener({target}))};
};

test('a click on its handle opens the drawer and shows it, another closes it, and the browser keeps which', () => {
  const {page, handle, storage, click} = drawer();
  assert.equal(page.dataset.drawer, '');
  click(handle);
  assert.deepEqual([page.dataset.drawer, storage.drawer, handle.attributes['aria-expanded'], handle.inView], ['open', 'open', 'true', true]);
  click({closest: () => null});
  assert.equal(page.dataset.drawer, 'open');
  click(handle);
  assert.deepEqual([page.dataset.drawer, storage.drawer, handle.attributes['aria-expanded']], ['', '', 'false']);
});

test('the drawer is as it was left', () => {
  assert.equal(drawer('open').page.dataset.drawer, 'open');
});
