// Fingers on the map: one moves it, two pinch it, a tap shows what lies there, a second tap at the same place adds a star.
// Plotly knows no pinch and takes a finger for a mouse, so it hears of fingers only while a lasso is drawn. A finger on a star
// is for `press`, which drags it.
const TWICE = 350, NEAR = 30;  // milliseconds and pixels between the two taps of a double tap
const fingers = new Map();  // where each finger is on the map, in pixels, by its pointer
let grip = null, tapped = null;  // what the fingers hold, and since when; the latest tap

const lassoing = () => host.dataset.drag === 'lasso';
const middle = places => places.reduce(([x, y], [a, b]) => [x + a / places.length, y + b / places.length], [0, 0]);
// How wide two fingers are apart; one alone is as wide as it was.
const width = ([a, b]) => b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 1;
const hold = () => {
  const {xaxis, yaxis} = host._fullLayout, places = [...fingers.values()];
  grip = places.length ? {x: [...xaxis.range], y: [...yaxis.range], at: middle(places), width: width(places), moved: grip?.moved ?? false, since: grip?.since ?? performance.now()} : null;
};
// The range of an axis after its fingers have moved from one pixel to another and apart by `times`: what was under them still is.
const gripped = ([low, high], length, from, to, times) => {
  const held = low + (high - low) * from / length, span = (high - low) / times;
  return [held - span * to / length, held + span * (1 - to / length)];
};
const follow = () => {
  const places = [...fingers.values()], [x, y] = middle(places), {xaxis, yaxis} = host._fullLayout;
  const fitted = base.xrange[1] - base.xrange[0], span = grip.x[1] - grip.x[0];
  const times = Math.min(span / (SPAN[0] * fitted), Math.max(span / (SPAN[1] * fitted), width(places) / grip.width));
  const high = yaxis._length;
  before = null;
  P.relayout(host, {
    'xaxis.range': gripped(grip.x, xaxis._length, grip.at[0], x, times),
    'yaxis.range': gripped(grip.y, high, high - grip.at[1], high - y, times),
  });
};
const twice = ([x, y]) => tapped && performance.now() - tapped.when < TWICE && Math.hypot(x - tapped.at[0], y - tapped.at[1]) < NEAR;
const tap = at => {
  const {xaxis, yaxis} = host._fullLayout, k = dots.at(view(host._fullLayout), ...at, 12);
  if (twice(at)) { tapped = null; trigger('place', {x: xaxis.p2l(at[0]), y: yaxis.p2l(at[1])}); return; }
  tapped = {when: performance.now(), at};
  if (k >= 0) trigger('image', {id: k});
};

// A finger has come down: whether it is taken here.
const finger = (event, earlier) => {
  if (event.pointerType !== 'touch' || lassoing()) return false;
  if (!fingers.size && !letGo && starAt(event, 20)) return false;
  if (letGo) fingers.set(earlier.pointerId, pixel(earlier));  // that one was on a star, which is let go for the pinch
  letGo?.();
  fingers.set(event.pointerId, pixel(event));
  hold();
  return true;
};
const fingerMoves = event => {
  if (!fingers.has(event.pointerId)) return;
  const at = pixel(event), was = grip.at;
  fingers.set(event.pointerId, at);
  if (!grip.moved && fingers.size === 1 && Math.hypot(at[0] - was[0], at[1] - was[1]) < 8) return;
  grip.moved = true;
  if (!grip.asked) requestAnimationFrame(() => { if (grip?.asked) { grip.asked = false; follow(); } });
  grip.asked = true;
};
const fingerLeaves = event => {
  if (!fingers.has(event.pointerId)) return;
  if (grip.asked) { grip.asked = false; follow(); }
  const at = fingers.get(event.pointerId), {moved, since} = grip;
  fingers.delete(event.pointerId);
  hold();
  if (fingers.size) { grip.moved = true; return; }
  if (moved) draw();
  else if (event.type === 'pointerup' && performance.now() - since < TWICE) tap(at);
};
