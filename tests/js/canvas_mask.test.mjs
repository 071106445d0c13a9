// What is painted on a canvas: dabs and strokes, soft edges, fills, how it travels, and its colours.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Node, plain, run} from './page.mjs';

const {look} = run(['canvas_mask.js'], new Node(), null, {btoa, atob});
const at = expression => plain(look(expression));
look('const rows = m => Array.from({length: m.height}, (_, y) => [...m.pixels.slice(y * m.width, (y + 1) * m.width)].join(""))');

test('a hard dab covers its circle and nothing else', () => {
  const counted = at('(() => { const m = new Mask(32, 32, [7]); m.dab(16, 16, 8, 1, 1); return m.shares().size && m.pixels.reduce((a, b) => a + b); })()');
  assert.ok(Math.abs(counted - Math.PI * 64) < 8, counted);
  assert.deepEqual(at('(() => { const m = new Mask(4, 4, [7]); m.dab(0, 0, 1.2, 1, 1); return rows(m); })()'), ['1000', '0000', '0000', '0000']);
});

test('a soft dab grows thinner to its edge, in the same pattern wherever it comes again', () => {
  const [inner, outer, again] = at(`(() => {
    const m = new Mask(64, 64, [7]), share = (low, high) => {
      let all = 0, set = 0;
      m.pixels.forEach((k, i) => { const d = Math.hypot(i % 64 + .5 - 32, Math.floor(i / 64) + .5 - 32) / 24; if (d >= low && d < high) { all++; set += k; } });
      return set / all;
    };
    m.dab(32, 32, 24, 0, 1);
    const first = [share(0, 0.4), share(0.6, 1)];
    const before = m.pixels.slice();
    m.dab(32, 32, 24, 0, 1);
    return [...first, m.pixels.every((k, i) => k === before[i])];
  })()`);
  assert.ok(inner > 0.65 && outer < 0.3 && outer > 0.05, `${inner} ${outer}`);
  assert.ok(again);
});

test('a stroke has no gaps, however fast the hand was', () => {
  assert.ok(at('(() => { const m = new Mask(128, 16, [7]); m.stroke({x: 8, y: 8}, {x: 120, y: 8}, 4, 1, 1); return m.pixels.slice(8 * 128 + 8, 8 * 128 + 120).every(k => k === 1); })()'));
});

test('a stroke of ten thousand points is one stroke', () => {
  assert.ok(at('(() => { const m = new Mask(1024, 1024, [7]); let p = {x: 900, y: 500}, all = true; for (let i = 0; i < 10000; i++) { const q = {x: 500 + 400 * Math.cos(i / 900), y: 500 + 400 * Math.sin(i / 700)}; m.stroke(p, q, 3, 1, 1); all &&= m.idAt(q.x, q.y) === 7; p = q; } return all && m.packed().runs.length < 1e6; })()'));
});

test('a fill stops at the borders of its patch', () => {
  assert.deepEqual(at(`(() => {
    const m = new Mask(6, 4, [7, 9]);
    m.pixels.set([0,0,1,0,0,0, 0,0,1,0,0,0, 0,0,1,0,0,0, 0,0,1,0,0,0]);
    m.fill(0, 0, 2);
    m.fill(5, 3, 2);
    m.fill(2, 2, 0);
    return rows(m);
  })()`), ['220222', '220222', '220222', '220222']);
});

test('what travels is the same when it arrives, runs longer than two bytes count too', () => {
  const packed = at('(() => { const m = new Mask(512, 256, [7, 9]); m.dab(100, 90, 40, 0.3, 2); return m.packed(); })()');
  assert.deepEqual([packed.width, packed.height, packed.legend], [512, 256, [7, 9]]);
  const runs = Buffer.from(packed.runs, 'base64');
  let total = 0;
  for (let i = 0; i < runs.length; i += 3) total += runs.readUInt16LE(i + 1);
  assert.equal(total, 512 * 256);
  assert.ok(at(`(() => { const m = Mask.unpacked(${JSON.stringify(packed)}), n = new Mask(512, 256, [7, 9]); n.dab(100, 90, 40, 0.3, 2); return m.pixels.every((k, i) => k === n.pixels[i]); })()`));
});

test('a prototype keeps its number, and a number that nothing has is given again when all are taken', () => {
  assert.deepEqual(at('(() => { const m = new Mask(2, 2, [7]); return [m.numberOf(7), m.numberOf(9), m.numberOf(null), m.legend]; })()'), [1, 2, 0, [7, 9]]);
  assert.deepEqual(at(`(() => {
    const m = new Mask(16, 16, Array.from({length: 255}, (_, i) => i));
    m.pixels.forEach((_, i) => { m.pixels[i] = i; });
    const full = m.numberOf(999);
    m.pixels[7] = 0;
    return [full, m.numberOf(999), m.legend[6]];
  })()`), [-1, 7, 999]);
});

test('shares are of the whole canvas, the largest first', () => {
  assert.deepEqual(at('[...(() => { const m = new Mask(4, 2, [7, 9]); m.pixels.set([2,2,2,2,1,1,0,2]); return m.shares(); })()]'), [[9, 5 / 8], [7, 2 / 8], [null, 1 / 8]]);
});

test('the ground is clear, prototypes have their hues, and borders lie between them', () => {
  const [fills, borders] = at(`(() => {
    const m = new Mask(4, 1, [7, 9]);
    m.pixels.set([0, 1, 1, 2]);
    const box = {left: 0, top: 0, right: 3, bottom: 0};
    return [[...tinted(m, [0x10, 0x20], box, false)], [...tinted(m, [0x10, 0x20], box, true)]];
  })()`);
  assert.deepEqual(fills, [0, 0xff000010, 0xff000010, 0xff000020]);
  assert.deepEqual(borders, [0, 0xff000010, 0xff000010, 0]);
});
