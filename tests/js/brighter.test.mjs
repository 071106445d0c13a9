// The switch that shows pictures brighter: on the page, remembered, and nothing else.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Node, run, template} from './page.mjs';

const opened = kept => {
  const element = template('button'), documentElement = new Node('html');
  const localStorage = {getItem: key => kept[key] ?? null, setItem: (key, value) => { kept[key] = String(value); }};
  const document = {documentElement}, page = run(['brighter.js'], element, null, {document, localStorage});
  return {...page, button: element.querySelector('button'), on: () => 'brighter' in documentElement.dataset};
};

test('a press shows pictures brighter, another as they are, and a later visit as it was left', () => {
  const kept = {}, {button, on, triggered} = opened(kept);
  assert.deepEqual([on(), button.attributes['aria-pressed']], [false, 'false']);
  button.dispatch('click');
  assert.deepEqual([on(), button.attributes['aria-pressed'], opened(kept).on()], [true, 'true', true]);
  button.dispatch('click');
  assert.deepEqual([on(), opened(kept).on(), triggered], [false, false, []]);  // the server hears nothing of it
});
