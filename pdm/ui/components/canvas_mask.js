// What is painted on a canvas: for every pixel 0, the ground, or 1 + the place of a prototype in the legend.
//
// A soft edge is made of hard pixels, the fewer of them the farther out, in an even pattern: averaged over what the net
// sees as one place they are a weight, and each pixel still has one prototype, so that a palette PNG keeps all of it.
const BAYER = (() => {  // thresholds from 0 to 1 in eight rows of eight (Bayer 1973)
  let m = [[0]];
  while (m.length < 8) {
    const n = m.length, next = Array.from({length: 2 * n}, () => Array(2 * n));
    for (let y = 0; y < n; y++) {
      for (let x = 0; x < n; x++) {
        [[0, 0, 0], [0, 1, 2], [1, 0, 3], [1, 1, 1]].forEach(([dy, dx, add]) => { next[y + dy * n][x + dx * n] = 4 * m[y][x] + add; });
      }
    }
    m = next;
  }
  return Float32Array.from(m.flat(), v => (v + 0.5) / 64);
})();
const RUN = 65535;  // pixels in one run at most: its length has two bytes

class Mask {
  constructor(width, height, legend = [], pixels = new Uint8Array(width * height)) {
    Object.assign(this, {width, height, legend, pixels});
  }

  copy() { return new Mask(this.width, this.height, [...this.legend], this.pixels.slice()); }

  // The number that stands for a prototype, null for the ground. -1 where no number is left.
  numberOf(id) {
    if (id === null) return 0;
    const at = this.legend.indexOf(id);
    if (at >= 0) return at + 1;
    const free = this.legend.length < 255 ? this.legend.length : this.unused();
    if (free < 0) return -1;
    this.legend[free] = id;
    return free + 1;
  }
  unused() {
    const seen = new Set(this.pixels);
    return this.legend.findIndex((_, i) => !seen.has(i + 1));
  }
  idAt(x, y) {
    const inside = x >= 0 && y >= 0 && x < this.width && y < this.height;
    return inside ? this.legend[this.pixels[Math.floor(y) * this.width + Math.floor(x)] - 1] ?? null : null;
  }

  // A dab of the brush; `hardness` is the share of the radius that is covered whole. Returns the box it may have changed.
  dab(x, y, radius, hardness, number) {
    const {width, height, pixels} = this, far = radius * radius, near = far * hardness * hardness, soft = Math.max(1e-6, 1 - hardness);
    const left = Math.max(0, Math.floor(x - radius)), right = Math.min(width - 1, Math.ceil(x + radius));
    const top = Math.max(0, Math.floor(y - radius)), bottom = Math.min(height - 1, Math.ceil(y + radius));
    for (let py = top; py <= bottom; py++) {
      const down = (py + 0.5 - y) ** 2;
      for (let px = left; px <= right; px++) {
        const d = down + (px + 0.5 - x) ** 2;
        if (d > far) continue;
        if (d <= near || (1 - Math.sqrt(d) / radius) / soft > BAYER[(py & 7) * 8 + (px & 7)]) pixels[py * width + px] = number;
      }
    }
    return {left, top, right, bottom};
  }

  // A stroke from one point to another, as many dabs as make it even.
  stroke(from, to, radius, hardness, number) {
    const length = Math.hypot(to.x - from.x, to.y - from.y), steps = Math.max(1, Math.ceil(length / Math.max(0.5, radius / 4)));
    let box = null;
    for (let i = from === to ? steps : 1; i <= steps; i++) {
      const part = i / steps;
      box = joined(box, this.dab(from.x + part * (to.x - from.x), from.y + part * (to.y - from.y), radius, hardness, number));
    }
    return box;
  }

  // The patch of one prototype around a place becomes another's; of the ground too. Pixels of a soft edge belong to both sides.
  fill(x, y, number) {
    const {width, height, pixels} = this, start = Math.floor(y) * width + Math.floor(x), old = pixels[start];
    if (old === number) return;
    const todo = [start];
    while (todo.length) {
      const at = todo.pop(), row = at - at % width;
      if (pixels[at] !== old) continue;
      let left = at, right = at;
      while (left > row && pixels[left - 1] === old) left--;
      while (right < row + width - 1 && pixels[right + 1] === old) right++;
      for (let i = left; i <= right; i++) {
        pixels[i] = number;
        if (row > 0 && pixels[i - width] === old) todo.push(i - width);
        if (row < (height - 1) * width && pixels[i + width] === old) todo.push(i + width);
      }
    }
  }

  // id -> share of the canvas, of those that are on it, the largest first; null is the ground.
  shares() {
    const counts = new Uint32Array(256);
    for (const k of this.pixels) counts[k]++;
    const found = [...counts.keys()].filter(k => counts[k]).sort((a, b) => counts[b] - counts[a]);
    return new Map(found.map(k => [k ? this.legend[k - 1] : null, counts[k] / this.pixels.length]));
  }

  // Runs of three bytes, number and length, as base64: what travels, and what undo keeps.
  packed() {
    const bytes = [], {pixels} = this;
    for (let i = 0; i < pixels.length;) {
      let end = i + 1;
      while (end < pixels.length && pixels[end] === pixels[i] && end - i < RUN) end++;
      bytes.push(pixels[i], (end - i) & 255, (end - i) >> 8);
      i = end;
    }
    let text = '';
    for (let i = 0; i < bytes.length; i += 8190) text += String.fromCharCode(...bytes.slice(i, i + 8190));
    return {width: this.width, height: this.height, legend: [...this.legend], runs: btoa(text)};
  }
  static unpacked({width, height, legend, runs}) {
    const mask = new Mask(width, height, [...legend]), text = atob(runs);
    for (let i = 0, at = 0; i + 2 < text.length; i += 3) {
      const end = at + text.charCodeAt(i + 1) + 256 * text.charCodeAt(i + 2);
      mask.pixels.fill(text.charCodeAt(i), at, end);
      at = end;
    }
    return mask;
  }
}

const joined = (a, b) => a === null ? b : {
  left: Math.min(a.left, b.left), top: Math.min(a.top, b.top), right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom),
};

// The strokes as colours for a part of the canvas: all that is painted in its hue, or the borders between hues alone.
const tinted = (mask, hues, {left, top, right, bottom}, borders) => {
  const {width, height, pixels} = mask, w = right - left + 1, colours = new Uint32Array(w * (bottom - top + 1));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const at = y * width + x, k = pixels[at];
      if (!k) continue;
      const border = (x + 1 < width && pixels[at + 1] !== k) || (y + 1 < height && pixels[at + width] !== k)
        || (x > 0 && !pixels[at - 1]) || (y > 0 && !pixels[at - width]);
      if (border || !borders) colours[(y - top) * w + x - left] = (0xff000000 | hues[k - 1]) >>> 0;
    }
  }
  return colours;
};
