// The map's scripts on a page of their own, with the map "drawn".
import {Node, run, template} from './page.mjs';

const SCRIPTS = ['map_dots.js', 'map_hand.js', 'map_keys.js', 'map_touch.js', 'map_tour.js', 'map_view.js'];
const bytes = array => Buffer.from(array.buffer).toString('base64');
export const star = (id, x, y, usage, more = {}) => ({id, x, y, usage, moved: 0, name: `Star ${id}`, colour: '#102030', cover: 0, share: '2 %', muted: false, ghost: null, ...more});
const BASE = {
  model: 'tiny', xrange: [0, 10], yrange: [0, 10], x: bytes(new Uint16Array([0, 32768, 65535])), y: bytes(new Uint16Array([0, 32768, 65535])),
  labels: bytes(new Int16Array([0, 1, -1])), nearest: bytes(new Int32Array([1, 1, 2])), classColours: ['#ff0000', '#00ff00'],
  classNames: ['top', 'bottom'], classes: [], sheet: {url: 'data:', count: 3, columns: 2}, kind: 'picture', generated: false,
};
const VALUE = {stars: [star(1, 2, 2, 0.5), star(2, 8, 8, 0.1)], images: [], star: null, query: null, revision: 0, nearest: {rows: bytes(new Int32Array([2])), ids: bytes(new Int32Array([1]))}};
// 1,000 x 1,000 pixels that show 0 to 10 both ways.
const axis = flip => ({range: [0, 10], _length: 1000, l2p: v => flip ? 1000 - 100 * v : 100 * v, p2l: p => (flip ? 1000 - p : p) / 100});

// The script with its map "drawn": what starts it waits for Plotly, which never comes here, so its parts are set up by hand.
export const map = (value = {}, base = {}, more = {}) => {
  const element = template('div.plot', 'div.card', 'div.turn', 'div.tools', 'div.ring', 'p.keys', 'div.said', 'canvas'), listeners = {}, relayouts = [], now = {at: 1000};
  element.querySelector('.card').append(new Node('b'), new Node('small'), new Node('span'), new Node('img'));
  const host = element.querySelector('.plot');
  Object.assign(host, {_fullLayout: {xaxis: axis(false), yaxis: axis(true)}, clientWidth: 1000, clientHeight: 1000, getBoundingClientRect: () => ({left: 100, top: 50})});
  const window = {
    addEventListener: (type, listener) => { (listeners[type] ??= []).push(listener); },
    removeEventListener: (type, listener) => { listeners[type] = listeners[type].filter(l => l !== listener); },
  };
  const page = run(SCRIPTS, element, {...VALUE, ...value}, {
    window, Image: Node, setTimeout: () => {}, clearTimeout: () => {}, performance: {now: () => now.at}, getComputedStyle: () => ({getPropertyValue: name => ` ${name} `}), relayouts, ...more,
  });
  page.props.base = {...BASE, ...base};
  const drawn = [], restyled = [];
  page.look('take(); P = {}');
  Object.assign(page.look('P'), {
    relayout: (_, change) => relayouts.push(change), restyle: (_, change) => restyled.push(change), react: async (...all) => { drawn.push(all); },
  });
  const fire = (type, x, y, more = {}) => (listeners[type] ?? []).slice().forEach(f => f({type, clientX: x + 100, clientY: y + 50, ...more}));
  const press = (x, y) => {
    page.look('press')({clientX: x + 100, clientY: y + 50, button: 0, pointerType: 'mouse', stopPropagation() {}, preventDefault() {}});
  };
  return {...page, element, host, relayouts, drawn, restyled, listeners, now, fire, press};
};
