// What stands for the browser's own storage where that is forbidden, and nowhere else.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {run, template} from './page.mjs';

const opened = window => { run(['memory_storage.js'], template(), null, {window}); return window; };

test('a page that may keep nothing keeps it in memory', () => {
  for (const own of [() => { throw new Error('denied'); }, () => null]) {
    const {localStorage} = opened(Object.defineProperty({}, 'localStorage', {get: own, configurable: true}));
    assert.equal(localStorage.getItem('a'), null);
    localStorage.setItem('a', 5);
    localStorage.setItem('b', 'x');
    assert.deepEqual([localStorage.getItem('a'), localStorage.length, localStorage.key(1), localStorage.key(2)], ['5', 2, 'b', null]);
    localStorage.removeItem('a');
    assert.equal(localStorage.getItem('a'), null);
    localStorage.clear();
    assert.equal(localStorage.length, 0);
  }
});

test('a browser that keeps things goes on keeping them', () => {
  const own = {length: 0};
  assert.equal(opened({localStorage: own}).localStorage, own);
});
