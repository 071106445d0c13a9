import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Node, plain, run} from './page.mjs';

const bytes = array => Buffer.from(array.buffer).toString('base64');
// A plot of 100 x 100 pixels that shows 0 to 10 both ways.
const VIEW = {left: 0, top: 10, x: 10, y: 10, width: 100, height: 100};

const made = points => {
  const {look} = run(['map_dots.js'], null), Dots = look('Dots');
  const dots = new Dots(new Node('canvas')), steps = i => bytes(Uint16Array.from(points, p => p[i] * 6553.5));
  dots.load({x: steps(0), y: steps(1), xrange: [0, 10], yrange: [0, 10]});
  return {look, dots};
};

test('places come out of their steps within half a step', () => {
  const points = [[0, 10], [10, 0], [3.3, 7.77]], {dots} = made(points);
  points.forEach(([x, y], i) => assert.ok(Math.abs(dots.x[i] - x) < 2e-4 && Math.abs(dots.y[i] - y) < 2e-4));
  assert.equal(dots.count, 3);
});

test('a colour is packed as the canvas stores it: red in the lowest byte', () => {
  assert.equal(run(['map_dots.js'], null).look(`packed('#123456')`), 0x563412);
});

test('a disc covers its area and is the same from every side', () => {
  const {look} = run(['map_dots.js'], null);
  for (const diameter of [3, 6, 9.5]) {
    const {side, at, cover} = plain(look(`(d => ({...d, at: [...d.at], cover: [...d.cover]}))(disc(${diameter}, 50, 1))`));
    const area = cover.reduce((a, b) => a + b, 0) / 256, grid = new Map(at.map((k, i) => [k, cover[i]]));
    assert.ok(Math.abs(area - Math.PI * diameter ** 2 / 4) < 0.07 * area, `${diameter}: ${area}`);
    for (const [k, part] of grid) {
      const [x, y] = [k % 50, Math.floor(k / 50)];
      assert.equal(grid.get(y * 50 + side - 1 - x), part);
      assert.equal(grid.get(x * 50 + y), part);
    }
  }
  assert.equal(look('disc(8, 50, 0.5).cover[20]'), 128);
});

test('blending is the weighted mean of each channel, whatever the other channels are', () => {
  const {look} = run(['map_dots.js'], null), channels = v => [v & 255, v >>> 8 & 255, v >>> 16 & 255];
  for (const [colour, old, part] of [[0xff8040, 0x0010f0, 64], [0xffffff, 0, 256], [0x010203, 0xfefdfc, 200], [0xffffff, 0xffffff, 77]]) {
    const got = look(`(p => { blend(p, 1, {at: [1], cover: [${part}]}, ${colour}); return [...p]; })(new Uint32Array([0, 0, ${old}]))`)[2];
    assert.equal(got >>> 24, 255);
    channels(got).forEach((v, i) => {
      const mean = (channels(colour)[i] * part + channels(old)[i] * (256 - part)) / 256;
      assert.ok(v <= mean && mean - v < 1, `${v} for ${mean}`);
    });
  }
});

test('the view follows ranges in either direction', () => {
  const {look} = run(['map_dots.js'], null);
  const axes = '{xaxis: {range: [2, 4], _length: 200}, yaxis: {range: [-1, 9], _length: 50}}';
  assert.deepEqual(plain(look(`view(${axes})`)), {left: 2, top: 9, x: 100, y: 5, width: 200, height: 50});
});

test('the nearest dot within reach is found, and none beyond', () => {
  const {dots} = made([[5, 5], [5.3, 5], [9, 9]]);
  assert.equal(dots.at(VIEW, 51, 50, 12), 0);
  assert.equal(dots.at(VIEW, 52, 50, 12), 1);
  assert.equal(dots.at(VIEW, 70, 50, 12), -1);
  assert.equal(dots.at(VIEW, 90, 12, 12), 2);  // y grows upwards on the map, downwards on the screen
});

test('a lasso of any shape holds the dots inside it', () => {
  const {dots} = made([[1, 1], [5, 5], [5, 8.5], [9, 9]]);
  const inside = (x, y) => plain(dots.inside({x, y}));
  assert.deepEqual(inside([0, 10, 10, 0], [0, 0, 10, 10]), [0, 1, 2, 3]);
  assert.deepEqual(inside([0, 10, 10, 8, 8, 2, 2, 0], [0, 0, 10, 10, 2, 2, 10, 10]), [0, 3]);  // a U
  assert.deepEqual(inside([4, 6, 5], [4, 4, 7]), [1]);
  assert.deepEqual(inside([], []), []);
});

test('a dot is painted at its place in its colour, and those at the edge are cut', () => {
  const {dots} = made([[5, 5], [0, 5]]), colours = [0x0000ff, 0x00ff00];
  dots.paint(VIEW, 1, {colours, chosen: null, size: 6, opacity: 1, ground: 0});
  const {image} = dots.pen, pixels = new Uint32Array(image.data.buffer), pad = 6;
  const at = (x, y) => pixels[(y + pad) * image.width + x + pad] & 0xffffff;
  assert.deepEqual([at(50, 50), at(0, 50), at(30, 30)], [0x0000ff, 0x00ff00, 0]);
  assert.deepEqual([image.width, dots.canvas.width], [112, 100]);
  dots.paint(VIEW, 1, {colours, chosen: [1], size: 6, opacity: 1, ground: 0});
  assert.ok((at(50, 50) & 255) < 40 && (at(0, 50) >>> 8) > 230);  // the rest steps back
});
