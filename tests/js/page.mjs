// A page just large enough for the components' scripts: elements that remember what was put into them.
//
// Gradio runs a script as the body of a function that is given `element`, `props`, `trigger` and `watch`; Python puts
// `latest` before it (pdm/ui/components/scripted.py). Here it runs in a context that has the same names.
import {readFileSync} from 'node:fs';
import {createContext, runInContext} from 'node:vm';

const COMPONENTS = new URL('../../pdm/ui/components/', import.meta.url);

export class Node {
  constructor(tag = 'div') {
    this.tagName = tag.toUpperCase();
    this.children = [];
    this.dataset = new Proxy({}, {set: (all, name, value) => { all[name] = String(value); return true; }, deleteProperty: (all, name) => delete all[name]});
    this.attributes = {};
    this.listeners = {};
    this.className = '';
    this.text = '';
    const set = {};
    this.style = {set, setProperty: (name, value) => { set[name] = String(value); }};
    this.classList = {
      toggle: (name, on) => { this.className = [...this.names().filter(n => n !== name), ...(on ? [name] : [])].join(' '); },
      remove: name => { this.className = this.names().filter(n => n !== name).join(' '); },
      contains: name => this.names().includes(name),
    };
  }

  names() { return this.className.split(' ').filter(Boolean); }
  append(...parts) {
    for (const part of parts) {
      const node = part instanceof Node ? part : Object.assign(new Node('#text'), {text: String(part)});
      node.parentElement = this;
      this.children.push(node);
    }
  }
  replaceChildren(...parts) { this.children = []; this.append(...parts); }
  get textContent() { return this.text + this.children.map(child => child.textContent).join(''); }
  set textContent(text) { this.children = []; this.text = String(text); }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  getAttribute(name) { return this.attributes[name] ?? null; }
  removeAttribute(name) { delete this.attributes[name]; }
  addEventListener(type, listener) { (this.listeners[type] ??= []).push(listener); }
  dispatch(type, event = {}) { for (const listener of this.listeners[type] ?? []) listener({target: this, preventDefault() {}, ...event}); }
  getContext() {
    return {
      fillStyle: '#000000',
      createImageData: (width, height) => ({width, height, data: new Uint8ClampedArray(4 * width * height)}),
      putImageData(image) { this.image = image; },
    };
  }
  focus() { this.focused?.(this); }

  // Selectors as the scripts use them: a tag, a class, or both, or the value of a data attribute.
  matches(selector) {
    const [, tag, name, data] = selector.match(/^([a-z]*)(?:\.([\w-]+))?(?:\[data-([\w-]+)\])?$/);
    return (!tag || this.tagName === tag.toUpperCase()) && (!name || this.classList.contains(name)) && (!data || data in this.dataset);
  }
  all() { return this.children.flatMap(child => [child, ...child.all()]); }
  querySelectorAll(selector) { return this.all().filter(node => node.matches(selector)); }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  closest(selector) { return this.matches(selector) ? this : this.parentElement?.closest(selector) ?? null; }
}

// An element with children of these tags and classes, as the component's template has them.
export const template = (...selectors) => {
  const root = new Node();
  for (const selector of selectors) {
    const [tag, name = ''] = selector.split('.');
    root.append(Object.assign(new Node(tag || 'div'), {className: name}));
  }
  return root;
};

// Run scripts on an element: what they triggered, a way to give them a value, and a look at what they define.
export const run = (scripts, element, value = null, more = {}) => {
  const triggered = [], watched = [], props = {value: value && JSON.stringify(value)};
  const document = {createElement: tag => new Node(tag), activeElement: null};
  const names = {
    element, props, document, URL, console, atob, Uint8Array, Uint16Array, Uint32Array, Int16Array, Int32Array, Float32Array,
    trigger: (name, data) => triggered.push([name, data]),
    watch: (_, listener) => watched.push(listener),
    latest: () => props.value ? JSON.parse(props.value) : null,
    ...more,
  };
  const context = createContext(names);
  for (const name of scripts) runInContext(readFileSync(new URL(name, COMPONENTS), 'utf8'), context, {filename: name});
  return {
    triggered, document, props,
    look: expression => runInContext(expression, context),
    give: async next => { props.value = JSON.stringify(next); for (const listener of watched) await listener(); },
  };
};

// Values made inside the context have prototypes of their own, which deepStrictEqual tells apart.
export const plain = made => JSON.parse(JSON.stringify(made));
