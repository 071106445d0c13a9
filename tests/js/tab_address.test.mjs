// The open tab in the address.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {run, template} from './page.mjs';

// A page at an address with these tabs, of which the first is open. `click` opens one, as Gradio does.
const page = (hash = '', {search = '?a=1', kept = null, config} = {}) => {
  const watches = [], listeners = {}, location = {pathname: '/', search, hash}, pushed = [], storage = {tab: kept};
  const tabs = ['Generate', 'Canvas', 'Judge'].map(name => ({name, dataset: {tabId: name.toLowerCase()}, on: name === 'Generate'}));
  for (const tab of tabs) {
    tab.getAttribute = () => String(tab.on);
    tab.click = () => { for (const other of tabs) other.on = other === tab; };
  }
  const row = {querySelectorAll: () => tabs}, found = {row: null};
  const go = url => { location.hash = url.slice(url.indexOf('#')); };
  run(['tab_address.js'], template(), null, {
    MutationObserver: function (seen) { return {observe: target => watches.push([target, seen]), disconnect() {}}; },
    localStorage: {getItem: key => storage[key], setItem: (key, value) => { storage[key] = value; }},
    document: {documentElement: 'page', querySelector: () => found.row}, location,
    history: {pushState: (state, title, url) => { pushed.push(url); go(url); }},
    window: {gradio_config: config, addEventListener: (type, heard) => { listeners[type] = heard; }},
  });
  const change = target => { for (const [watched, seen] of watches) if (watched === target) seen(); };
  const open = name => { tabs.find(tab => tab.name === name).click(); change(row); };
  const built = () => { found.row = row; change('page'); };
  const to = hash => { location.hash = hash; listeners.popstate(); change(row); };
  return {change, built, open, to, pushed, storage, tabs, at: () => tabs.find(tab => tab.on).name};
};

test('a page opens on the tab that its address names, and on the first where it names none', () => {
  for (const [hash, name] of [['', 'Generate'], ['#judge', 'Judge'], ['#nowhere', 'Generate']]) {
    const {change, built, at, pushed} = page(hash);
    change('page');  // nothing is there yet
    built();
    assert.equal(at(), name);
    assert.deepEqual(pushed, []);
  }
});

test('a tab that is opened is named in the address once, and what it asks for stays there', () => {
  const {built, open, pushed} = page();
  built();
  for (const name of ['Generate', 'Canvas', 'Canvas', 'Judge', 'Generate']) open(name);
  assert.deepEqual(pushed, ['/?a=1#canvas', '/?a=1#judge', '/?a=1#generate']);
});

test('back and forward open tabs and note nothing', () => {
  const {built, open, to, at, pushed} = page();
  built();
  open('Judge');
  for (const [hash, name] of [['', 'Generate'], ['#judge', 'Judge'], ['#canvas', 'Canvas']]) {
    to(hash);
    assert.equal(at(), name);
  }
  assert.equal(pushed.length, 1);
});

test('an address without a tab leads to the one that was open last, and a link to where it is painted', () => {
  for (const [hash, how, name] of [
    ['', {kept: 'judge'}, 'Judge'], ['', {kept: 'gone'}, 'Generate'], ['#canvas', {kept: 'judge'}, 'Canvas'],
    ['', {kept: 'judge', search: '?model=x&picture=3'}, 'Generate'], ['', {kept: 'judge', search: '?prototypes=3'}, 'Generate'],
  ]) {
    const {built, at, pushed} = page(hash, how);
    built();
    assert.equal(at(), name);
    assert.deepEqual(pushed, []);
  }
});

test('the tab that is open is kept, and Back to an address without one leads to where that led', () => {
  const {built, open, to, at, storage} = page('', {kept: 'canvas'});
  built();
  open('Judge');
  assert.equal(storage.tab, 'judge');
  to('');
  assert.equal(at(), 'Canvas');
});

test('Gradio is told which tab to build first, where there is such a tab', () => {
  const config = () => ({components: [{type: 'tabs', props: {elem_id: 'tabs'}},
    ...['generate', 'canvas', 'judge'].map(id => ({type: 'tabitem', props: {id}})), {type: 'html', props: {}}]});
  for (const [hash, how, name] of [
    ['#judge', {}, 'judge'], ['', {kept: 'canvas'}, 'canvas'], ['#nowhere', {kept: 'canvas'}, 'canvas'],
    ['', {search: '?seed=1', kept: 'canvas'}, 'generate'], ['#nowhere', {kept: 'gone'}, undefined], ['', {}, undefined],
  ]) {
    const told = config();
    page(hash, {...how, config: told});
    assert.equal(told.components[0].props.selected, name);
  }
});
