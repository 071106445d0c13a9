// What the hand does on the map: hovering, dragging a star, zooming within limits. The names are those of map_view.js.
const BETWEEN = 150;  // milliseconds between two looks at what a dragged star would paint
const SPAN = [1 / 40, 2];  // of the fitted map that may be in view
const STARS = 5;  // of the traces that map_view.js draws
let before = null, pointer = null;  // what was in view before a search; the latest press
const DWELL = 110;  // milliseconds that the pointer rests on a star before its pictures are asked for
let carried = 0;  // how often a star was carried away, which changes what is named
let letGo = null;  // while a star is pressed: lets it go where it was
let told = 0, telling = 0;  // when the server was told last where the star in hand is, and the wait for the next time
let over = null, under = null, dwelling = 0;  // the star under the pointer, where that is, and the wait for its pictures
let looks = new Map();  // pictures of stars, by id, as long as no set is another
let found = new Set(), drawn = 0;  // stars that a search has found; how often a lasso round nothing was taken away

const tile = row => {
  const t = base.sheet, at = onSheet(row), box = card.querySelector('span');
  box.style.backgroundImage = `url("${urls()[at.sheet]}")`;
  box.style.backgroundSize = `${t.columns * 64}px ${at.rows * 64}px`;
  box.style.backgroundPosition = `-${at.column * 64}px -${at.row * 64}px`;
};
const pixel = event => {
  const box = host.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const outside = event => {
  const [x, y] = pixel(event);
  return x < 0 || y < 0 || x > host.clientWidth || y > host.clientHeight;
};
const dotAt = event => dots.at(view(host._fullLayout), ...pixel(event), 12);
const starAt = (event, reach = 12) => {
  const {xaxis, yaxis} = host._fullLayout, [x, y] = pixel(event);
  let best = reach, found = null;
  for (const s of stars()) {
    const d = Math.hypot(xaxis.l2p(s.x) - x, yaxis.l2p(s.y) - y);
    if (d < best) { best = d; found = s; }
  }
  return found;
};
// A star under the pointer shows what it paints, once the server has said so.
const showLook = () => {
  const look = over && looks.get(over.id), picture = card.querySelector('img');
  if (look) picture.src = look;
  card.classList.toggle('painted', Boolean(look));
  if (under) place(under);
};
const rest = star => {
  if (over?.id === star?.id) return;
  over = star;
  clearTimeout(dwelling);
  showLook();
  if (star && !star.muted && !looks.has(star.id)) dwelling = setTimeout(() => trigger('peek', {id: star.id}), DWELL);
};
const looked = () => {
  const {id, sheet} = plain(props.look || {});
  if (!sheet) return;
  looks.set(id, sheet);
  showLook();
};
// What lies under the pointer; where a star and dots overlap, the star comes first.
const hover = event => {
  if (touring && (event.movementX || event.movementY)) handed();  // not where the page moved under a pointer that rests
  if (dragged) return;
  if (event.pointerType === 'touch') return;
  const star = starAt(event);
  tell(star, star ? star.cover : dotAt(event), event);
};
// The card of a star, or of image `k` where it is none, beside a place of the window; none for a `k` of -1.
const tell = (star, k, event) => {
  rest(star);
  card.classList.toggle('shown', k >= 0);
  if (k < 0) return;
  tile(k);
  const label = base.labels[k], near = value.stars.find(s => s.id === nearest[k]);
  const title = card.querySelector('b'), name = star?.name ?? (label < 0 || base.generated ? null : base.classNames[label]);
  title.translate = name === null;
  title.textContent = name ?? base.kind;
  card.querySelector('small').textContent = star ? shareOf(star) : `nearest to ${near?.name}`;
  under = event;
  place(event);
};
const shareOf = star => `prototype, ${star.muted ? 'muted' : `${star.share} of the data`}`;
// The card beside the pointer, on the side where there is more room.
const place = event => {
  const [x, y] = pixel(event);
  card.style.left = `${x > host.clientWidth / 2 ? x - card.offsetWidth - 14 : x + 14}px`;
  card.style.top = `${Math.max(4, Math.min(host.clientHeight - card.offsetHeight - 4, y - 30))}px`;
};

// Plotly cannot drag points: the press is caught before its drag layer sees it, and the star follows the pointer. Let go
// outside of the map, or by Escape, it is where it was.
const carry = (star, x, y) => {
  const all = stars(), first = !dragged;
  if (first) carried += 1;
  dragged = {id: star.id, x, y};
  const places = {x: [all.map(s => s.id === star.id ? x : s.x)], y: [all.map(s => s.id === star.id ? y : s.y)]};
  P.restyle(host, first ? {...places, text: [labels()]} : places, [STARS]);  // its own name goes with it
  circle();
};
// What the hand and the keys do with a star: bring it somewhere, which the server hears of now and then, and let it go, there
// (`stays`) or where it was.
const bring = (star, x, y) => {
  if (!dragged) told = 0;
  card.classList.remove('shown');
  carry(star, x, y);
  ask();
};
const ask = () => {
  const left = told + BETWEEN - performance.now();
  clearTimeout(telling);
  if (left >= 0) { telling = setTimeout(ask, left + 1); return; }  // so that the last place is heard of as well
  told = performance.now();
  trigger('dragging', dragged);
};
const leave = stays => {
  clearTimeout(telling);
  if (stays) { trigger('drag', dragged); return; }
  const {id} = dragged;
  dragged = null;
  draw();
  if (told) trigger('star', {id});  // what was painted on the way is gone as well
};
const press = event => {
  const earlier = pointer;
  pointer = event;
  letGoByKey(false);
  if (event.button || finger(event, earlier)) return;
  const star = starAt(event, event.pointerType === 'touch' ? 20 : 12), from = [event.clientX, event.clientY];
  const still = e => Math.hypot(e.clientX - from[0], e.clientY - from[1]) < 5;
  if (!star) {
    const k = dotAt(event);
    if (k >= 0) window.addEventListener('pointerup', e => { if (still(e)) trigger('image', {id: k}); }, {once: true});
    return;
  }
  event.stopPropagation();
  event.preventDefault();
  card.classList.remove('shown');
  const move = e => {
    if (!dragged && still(e)) return;
    const {xaxis, yaxis} = host._fullLayout, [x, y] = pixel(e);
    bring(star, xaxis.p2l(x), yaxis.p2l(y));
  };
  const listeners = [['pointermove', move], ['pointerup', e => end(e)], ['pointercancel', e => end(e)], ['keydown', e => e.key === 'Escape' && end(e)]];
  const end = e => {
    letGo = null;
    for (const [type, f] of listeners) window.removeEventListener(type, f);
    if (!dragged) { if (e.type === 'pointerup') trigger('star', {id: star.id}); return; }
    leave(e.type === 'pointerup' && !outside(e));
  };
  for (const [type, f] of listeners) window.addEventListener(type, f);
  letGo = () => end({type: 'pointercancel'});
};

// How a zoom by this factor ends within the limits.
const within = factor => {
  const span = (([a, b]) => b - a)(host._fullLayout.xaxis.range) / (base.xrange[1] - base.xrange[0]);
  return Math.min(SPAN[1], Math.max(SPAN[0], span * factor)) / span;
};
const zoom = asked => {
  const {xaxis, yaxis} = host._fullLayout, factor = within(asked);
  const scaled = ({range: [a, b]}) => { const m = (a + b) / 2, h = (b - a) / 2 * factor; return [m - h, m + h]; };
  P.relayout(host, {'xaxis.range': scaled(xaxis), 'yaxis.range': scaled(yaxis)});
};
// Plotly zooms by the wheel, and by a pinch on a touchpad, without an end: at the limits it does not hear of them.
const wheel = event => {
  const factor = event.deltaY < 0 ? 0.9 : 1.1;
  if (Math.abs(within(factor) - factor) < 1e-6) return;
  event.stopPropagation();
  event.preventDefault();
};
const fit = () => {
  range = tall = before = null;
  P.relayout(host, {'xaxis.range': [...base.xrange], 'yaxis.range': [...base.yrange]});
};
// Show the surroundings of a place.
const around = ({x, y}) => {
  const {xaxis, yaxis} = host._fullLayout, half = 3.5, high = half * yaxis._length / xaxis._length;
  return [[x - half, x + half], [y - high, y + high]];
};
// What a search found has a halo; a single star is gone to, and the end of the search leads back.
const seek = async () => {
  found = new Set(props.found || []);
  const {xaxis, yaxis} = host._fullLayout, all = value.stars.filter(s => found.has(s.id));
  let view = null;
  if (all.length === 1) {
    before ??= [[...xaxis.range], [...yaxis.range]];
    view = around(all[0]);
  } else if (!found.size && before) { view = before; before = null; }
  await draw();
  if (view) P.relayout(host, {'xaxis.range': view[0], 'yaxis.range': view[1]});
};

// What a lasso holds. Where that is nothing, what Plotly and an earlier lasso have faded comes back.
const lassoed = event => {
  if (event && !event.lassoPoints) return;  // Plotly says so as well when it is told to draw none
  const ids = event?.lassoPoints ? dots.inside(event.lassoPoints) : [];
  const inside = (event?.points || []).filter(p => p.curveNumber === STARS).map(p => stars()[p.pointNumber].id);
  if (event?.lassoPoints) trigger('lasso', {ids, stars: inside});
  if (!ids.length) { drawn += 1; value.images = []; draw(); }
};
