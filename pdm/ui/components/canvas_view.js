// A canvas to paint on with prototypes. What is painted is in canvas_mask.js, the list of prototypes in
// canvas_palette.js, what the hand does in canvas_hand.js, which comes last.
// `value` is the mask as it is now, with its number `n`, which every change raises. From the server come `palette`, `scene`
// (a mask to go on with) and `picture` (what was painted of mask `n`: "sketch", "step", "final", or "shown" whatever n is).
// Events: "open" when there is nothing to show, "sketch" of the mask now, "rest" for the real picture, "hand" {n} when what is
// being painted is no longer wanted, "where" {x, y} for a place to be looked for on the map.
const frame = element.querySelector('.frame'), stage = element.querySelector('.stage'), ring = element.querySelector('.ring');
const picture = element.querySelector('.picture'), strokes = element.querySelector('.strokes'), borders = element.querySelector('.borders'), bar = element.querySelector('.tools');
const sizeField = bar.querySelector('[data-size]'), hardField = bar.querySelector('[data-hard]');
const REST = 500, PATIENCE = 8000;  // milliseconds until a resting hand gets the real picture, and for an answer
const QUICK = 250;  // milliseconds of a stroke before it is sketched on its way: the sketch of a quick one would wait for that
const STEPS_BACK = 80;
let mask = null, seen = null, tool = 'brush', n = 0, shown = {n: 0, kind: ''}, view = {zoom: 1, x: 0, y: 0}, at = null;
let undone = [], done = [], begun = 0, asked = 0, askedAt = 0, painted = 0, waits = false, working = false, timer = null, hand = null, before = null;
const touches = new Map();

const parsed = text => text ? JSON.parse(text) : null;
const radius = () => Math.max(0.5, Number(sizeField.value) / 200 * Math.max(mask.width, mask.height) / 2);
const hardness = () => Number(hardField.value) / 100;
const whole = () => ({left: 0, top: 0, right: mask.width - 1, bottom: mask.height - 1});
const hues = () => mask.legend.map(id => packedHue(colourOf(id)));

const tint = box => {
  if (!box || box.right < box.left || box.bottom < box.top) return;
  const wide = {left: Math.max(0, box.left - 1), top: Math.max(0, box.top - 1), right: Math.min(mask.width - 1, box.right + 1), bottom: Math.min(mask.height - 1, box.bottom + 1)};
  for (const layer of [strokes, borders]) {
    const pen = layer.getContext('2d'), image = pen.createImageData(wide.right - wide.left + 1, wide.bottom - wide.top + 1);
    new Uint32Array(image.data.buffer).set(tinted(mask, hues(), wide, layer === borders));
    pen.putImageData(image, wide.left, wide.top);
  }
};

// The frame is as high as the canvas needs, and the stage as large as fits; a zoom enlarges it from its middle.
const place = () => {
  if (!mask || !frame.clientWidth) return;
  const room = window.innerHeight - frame.getBoundingClientRect().top - window.scrollY - 20;  // on the first screen
  const high = Math.min(Math.max(room, 0.62 * window.innerHeight), frame.clientWidth * mask.height / mask.width);
  frame.style.height = `${Math.round(Math.max(high, 160))}px`;
  const fit = Math.min(frame.clientWidth / mask.width, frame.clientHeight / mask.height), scale = fit * view.zoom;
  const within = (shift, length, side) => {
    const most = Math.max(0, (length * scale - side) / 2);
    return Math.min(most, Math.max(-most, shift));
  };
  view.x = within(view.x, mask.width, frame.clientWidth);
  view.y = within(view.y, mask.height, frame.clientHeight);
  stage.style.width = `${mask.width * scale}px`;
  stage.style.height = `${mask.height * scale}px`;
  stage.style.transform = `translate(calc(-50% + ${view.x}px), calc(-50% + ${view.y}px))`;
  follow();
};
const zoom = (factor, x = frame.clientWidth / 2, y = frame.clientHeight / 2) => {
  const next = Math.min(16, Math.max(1, view.zoom * factor)), grown = next / view.zoom, dx = x - frame.clientWidth / 2, dy = y - frame.clientHeight / 2;
  view = {zoom: next, x: dx + (view.x - dx) * grown, y: dy + (view.y - dy) * grown};
  place();
};
// The ring shows what the brush would cover; with "where" a square as large as what the map's pictures show.
const follow = () => {
  ring.hidden = !at || !mask;
  if (ring.hidden) return;
  const scale = stage.offsetWidth / mask.width, side = tool === 'where' ? palette.side : tool === 'fill' ? 0 : 2 * radius();
  ring.className = `ring ${tool}`;
  ring.style.width = ring.style.height = `${side * scale}px`;
  const left = frame.clientWidth / 2 + view.x - stage.offsetWidth / 2, top = frame.clientHeight / 2 + view.y - stage.offsetHeight / 2;
  ring.style.transform = `translate(${left + at.x * scale}px, ${top + at.y * scale}px) translate(-50%, -50%)`;
};
const spot = event => {
  const box = strokes.getBoundingClientRect();
  return {x: (event.clientX - box.left) / box.width * mask.width, y: (event.clientY - box.top) / box.height * mask.height};
};

const size = () => {
  for (const layer of [picture, strokes, borders]) if (layer.width !== mask.width || layer.height !== mask.height) Object.assign(layer, {width: mask.width, height: mask.height});
};
const redraw = () => { size(); tint(whole()); place(); showUsed(mask.shares()); buttons(); };
const buttons = () => {
  bar.querySelector('[data-do=undo]').disabled = !done.length;
  bar.querySelector('[data-do=redo]').disabled = !undone.length;
};
// The mask is another one now: the server gets it with the next event.
const note = () => {
  n += 1;
  element.dataset.mask = n;  // for those who wait for its picture
  props.value = JSON.stringify({...mask.packed(), model: palette.model, n});
};
const remember = old => {
  done.push(old);
  if (done.length > STEPS_BACK) done.shift();
  undone = [];
  buttons();
};
const go = (from, to) => {
  if (!from.length || hand) return;
  to.push(mask.packed());
  mask = Mask.unpacked(from.pop());
  release();
  redraw();
  note();
  sketch();
};
const change = edit => {
  const old = mask.packed();
  release();
  edit();
  if (mask.packed().runs === old.runs && mask.width === old.width) return;
  remember(old);
  redraw();
  note();
  sketch();
};

// What is being painted in full is no longer wanted: the hand is on the canvas again.
const release = () => {
  clearTimeout(timer);
  if (working) trigger('hand', {n: n + 1});
  working = false;
};
const sketch = () => {
  if (asked && performance.now() - askedAt < PATIENCE) { waits = true; return; }
  [asked, askedAt, waits] = [n, performance.now(), false];
  trigger('sketch');
  rest(PATIENCE);  // should no answer come
};
const rest = (pause = REST) => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (hand) return;
    [asked, waits, working] = [0, false, true];
    trigger('rest');
  }, pause);
};
const answered = () => {
  asked = 0;
  if (hand ? waits && palette.live : n > painted) sketch();
  else if (!hand) rest();
};

const load = async p => {
  const image = new Image();
  image.src = p.url;
  try { await image.decode(); } catch { return; }
  if (parsed(props.picture)?.url !== p.url && p.kind !== 'sketch') return;
  size();
  const pen = picture.getContext('2d');
  pen.imageSmoothingEnabled = false;
  pen.drawImage(image, 0, 0, mask.width, mask.height);
  shown = {n: p.n, kind: p.kind};
  element.dataset.shown = `${p.kind} ${p.n}`;  // for those who wait for it
  element.classList.add('painted');
};
const fits = p => {
  if (p.kind === 'shown') return true;
  if (p.kind === 'sketch') return p.n > shown.n || (p.n === shown.n && shown.kind === 'sketch');
  return p.n === n;  // a picture of what was there before the last stroke
};
const take = async () => {
  const p = parsed(props.picture);
  if (!p || !mask) return;
  if (p.n === undefined) p.n = n;
  if (p.kind === 'step') working = true;
  if (p.kind === 'final') working = false;
  if (fits(p)) await load(p);
  if (p.kind === 'sketch') { painted = p.n; answered(); }
};
// A mask from the server. What was on the canvas before can be had back.
const setScene = () => {
  const scene = parsed(props.scene);
  if (!scene || scene.revision === seen) return;
  seen = scene.revision;
  if (mask && scene.keep) remember(mask.packed());
  if (!scene.keep) [done, undone] = [[], []];
  release();
  if (mask && (mask.width !== scene.width || mask.height !== scene.height)) view = {zoom: 1, x: 0, y: 0};
  mask = Mask.unpacked(scene);
  redraw();
  note();
  if (scene.paint) sketch(); else painted = n;
  element.classList.add('ready');
};

// What another tab has changed is asked for when somebody looks.
let stale = false;
const look = () => {
  place();
  if (!stale || !frame.offsetParent) return;
  stale = false;
  trigger('open');
};
new ResizeObserver(look).observe(frame);
const refresh = () => {
  const given = parsed(props.palette);
  if (given && given.model !== palette?.model) sizeField.value = 200 * given.brush;
  setPalette(given);
  if (mask) redraw();
};
const start = async () => {
  trigger('open');
  for (let i = 1; !(palette && mask); i++) {  // what was sent before this was on the page is lost: it is asked for again
    await new Promise(r => setTimeout(r, 100));
    if (palette === null && props.palette) refresh();
    if (palette && !mask && props.scene) setScene();
    if (i % 50 === 0 && !palette) trigger('open');
  }
  if (!element.classList.contains('painted')) take();
};
watch('palette', refresh);
watch('scene', () => { if (palette) setScene(); });
watch('picture', take);
watch('wanted', () => { stale = true; look(); });
start();
