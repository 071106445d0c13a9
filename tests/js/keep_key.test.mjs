// The key F keeps a picture, where one is looked at and nobody types.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {run} from './page.mjs';

test('F presses the button, and nothing else does', () => {
  let pressed = 0, press;
  const button = {offsetParent: {}, disabled: false, click: () => { pressed += 1; }};
  run(['keep_key.js'], null, null, {document: {querySelector: () => button, addEventListener: (_, f) => { press = f; }}});
  const key = (name, more = {}) => press({key: name, target: {closest: () => null}, ...more});
  key('f'); key('F');
  assert.equal(pressed, 2);
  key('g'); key('f', {ctrlKey: true}); key('f', {repeat: true}); key('f', {target: {closest: () => ({})}});
  button.offsetParent = null;
  key('f');
  assert.equal(pressed, 2);
});
