// The arrow keys vote, and nothing else does.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {run, template} from './page.mjs';

const page = () => {
  const pressed = [], listeners = {}, buttons = {};
  for (const id of ['vote-left', 'vote-right', 'vote-tie', 'vote-both-bad'])
    buttons[id] = {disabled: false, offsetParent: {}, click: () => pressed.push(id)};
  const document = {getElementById: id => buttons[id] ?? null, addEventListener: (type, f) => { listeners[type] = f; }};
  run(['vote_keys.js'], template(), null, {document});
  const key = (name, more = {}) => listeners.keydown({key: name, preventDefault() {}, target: {closest: () => null}, ...more});
  return {key, pressed, buttons};
};

test('each arrow presses its button', () => {
  const {key, pressed} = page();
  for (const name of ['Left', 'Right', 'Up', 'Down']) key(`Arrow${name}`);
  assert.deepEqual(pressed, ['vote-left', 'vote-right', 'vote-tie', 'vote-both-bad']);
});

test('no key votes twice, in another tab, without a pair, or where arrows mean something else', () => {
  const {key, pressed, buttons} = page();
  key('ArrowLeft', {repeat: true});
  key('ArrowLeft', {ctrlKey: true});
  key('ArrowLeft', {target: {closest: selector => selector.includes('input')}});
  key('Enter');
  buttons['vote-left'].offsetParent = null;
  key('ArrowLeft');
  buttons['vote-right'].disabled = true;
  key('ArrowRight');
  assert.deepEqual(pressed, []);
});
