// The dots of the map, blended straight into a canvas's pixels: 60,000 take milliseconds on any machine, WebGL or not.
const unpacked = (text, Kind) => new Kind(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
const rgb = colour => [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));
const packed = colour => { const [r, g, b] = rgb(colour); return r | g << 8 | b << 16; };

// Places were sent as steps of 1/65535 of the map's width and height.
const places = (text, [low, high]) => Float32Array.from(unpacked(text, Uint16Array), q => low + q * (high - low) / 65535);

// A disc as the pixels it touches: how far each is from the first, and how much of it is covered, 0 to 256.
const disc = (diameter, width, opacity) => {
  const side = Math.ceil(diameter), middle = side / 2, at = [], cover = [];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const part = Math.min(1, Math.max(0, diameter / 2 + 0.5 - Math.hypot(x + 0.5 - middle, y + 0.5 - middle)));
      if (part) { at.push(y * width + x); cover.push(Math.round(256 * part * opacity)); }
    }
  return {side, at: Int32Array.from(at), cover: Int32Array.from(cover)};
};
// Blend a colour into those pixels: red and blue at once, they leave each other room in 32 bits.
const blend = (pixels, first, {at, cover}, colour) => {
  const rb = colour & 0xff00ff, g = colour & 0x00ff00;
  for (let j = 0; j < at.length; j++) {
    const k = first + at[j], part = cover[j], rest = 256 - part, old = pixels[k];
    const mixed = Math.imul(rb, part) + Math.imul(old & 0xff00ff, rest) >>> 8 & 0xff00ff;
    pixels[k] = 0xff000000 | mixed | Math.imul(g, part) + Math.imul(old & 0x00ff00, rest) >>> 8 & 0x00ff00;
  }
};

// How data lies on the screen, in pixels from the plot's corner; ranges are right in the middle of a drag, too.
const view = ({xaxis, yaxis}) => {
  const [left, right] = xaxis.range, [bottom, top] = yaxis.range;
  return {left, top, x: xaxis._length / (right - left), y: yaxis._length / (top - bottom), width: xaxis._length, height: yaxis._length};
};

class Dots {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext('2d', {alpha: false, willReadFrequently: true});
  }

  // `base` as `map_base` sends it.
  load(base) {
    this.x = places(base.x, base.xrange);
    this.y = places(base.y, base.yrange);
    this.count = this.x.length;
    this.image = null;
  }

  // Everything anew: `colours` packed, one a dot; `chosen` (may be null) those that stand out.
  paint(v, ratio, {colours, chosen, size, opacity, ground}) {
    const width = Math.round(v.width * ratio), height = Math.round(v.height * ratio), {canvas, x, y} = this;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    const pad = Math.ceil(size * ratio), across = width + 2 * pad, down = height + 2 * pad;  // at the edge dots are cut, not left out
    if (this.image?.width !== across || this.image.height !== down) this.image = this.pen.createImageData(across, down);
    const pixels = new Uint32Array(this.image.data.buffer).fill(255 << 24 | ground), kx = v.x * ratio, ky = v.y * ratio;
    const stamp = (disc, count, which) => {
      const left = pad - disc.side / 2 - v.left * kx, top = pad - disc.side / 2 + v.top * ky;
      for (let j = 0; j < count; j++) {
        const i = which ? which[j] : j, px = Math.round(x[i] * kx + left), py = Math.round(top - y[i] * ky);
        if (px >= 0 && py >= 0 && px + disc.side <= across && py + disc.side <= down) blend(pixels, py * across + px, disc, colours[i]);
      }
    };
    stamp(disc(size * ratio, across, chosen ? 0.12 : opacity), this.count, null);
    if (chosen) stamp(disc(size * ratio, across, 0.95), chosen.length, chosen);
    this.pen.putImageData(this.image, -pad, -pad);
  }

  // The dot nearest to a pixel, -1 where none is within reach.
  at(v, x, y, reach) {
    let found = -1, best = reach * reach;
    for (let i = 0; i < this.count; i++) {
      const dx = (this.x[i] - v.left) * v.x - x, dy = (v.top - this.y[i]) * v.y - y, d = dx * dx + dy * dy;
      if (d < best) { best = d; found = i; }
    }
    return found;
  }

  // The dots inside a polygon {x, y}: those from which a ray crosses its edges an odd number of times.
  inside({x, y}) {
    const ids = [];
    for (let i = 0; i < this.count; i++) {
      let odd = false;
      for (let a = 0, b = x.length - 1; a < x.length; b = a++)
        if (y[a] > this.y[i] !== y[b] > this.y[i] && this.x[i] < (x[b] - x[a]) * (this.y[i] - y[a]) / (y[b] - y[a]) + x[a]) odd = !odd;
      if (odd) ids.push(i);
    }
    return ids;
  }
}
