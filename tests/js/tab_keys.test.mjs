// The row of tabs under the keyboard.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {run, template} from './page.mjs';

const row = () => {
  const listeners = {}, log = [], tabs = ['a', 'b', 'c'].map(name => ({
    name, tabIndex: 0, click: () => log.push(`click ${name}`), blur: () => log.push(`blur ${name}`), focus: () => log.push(`focus ${name}`),
  }));
  for (const tab of tabs) tab.closest = selector => selector === '[role=tab]' ? tab : {querySelectorAll: () => tabs};
  run(['tab_keys.js'], template(), null, {document: {addEventListener: (type, f) => { listeners[type] = f; }}});
  const fire = (type, at, more = {}) => listeners[type]({target: tabs[at] ?? {closest: () => null}, preventDefault: () => log.push('kept'), ...more});
  return {fire, log, tabs};
};

test('arrows open the tab beside it, round the ends too; Home and End the first and the last', () => {
  const {fire, log} = row();
  for (const [at, key] of [[0, 'ArrowRight'], [2, 'ArrowRight'], [0, 'ArrowLeft'], [1, 'End'], [2, 'Home']]) fire('keydown', at, {key});
  assert.deepEqual(log.filter(l => l.startsWith('click')), ['click b', 'click a', 'click c', 'click c', 'click a']);
  assert.deepEqual(log.slice(0, 3), ['kept', 'click b', 'focus b']);
});

test('other keys, and keys elsewhere, are left alone', () => {
  const {fire, log} = row();
  for (const [at, more] of [[0, {key: 'Enter'}], [0, {key: 'ArrowRight', ctrlKey: true}], [9, {key: 'ArrowRight'}]]) fire('keydown', at, more);
  assert.deepEqual(log, []);
});

test('the row is one stop of the Tab key, and a tab that was clicked by a pointer does not keep the keys', () => {
  const {fire, log, tabs} = row();
  fire('focusin', 1);
  assert.deepEqual(tabs.map(tab => tab.tabIndex), [-1, 0, -1]);
  fire('click', 1, {detail: 0});
  assert.deepEqual(log, []);
  fire('click', 1, {detail: 1});
  assert.deepEqual(log, ['blur b']);
});
