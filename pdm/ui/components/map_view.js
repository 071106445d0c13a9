// The map: images as dots (see map_dots.js), and over them what Plotly draws, which the app itself serves: stars and names.
// Events: "bare" when there is nothing to draw, "star" {id}, "image" {id}, "lasso" {ids, stars}, "drag" and "dragging" {id, x, y}, "place" {x, y}, "undo", "redo".
const host = element.querySelector('.plot'), card = element.querySelector('.card'), bar = element.querySelector('.tools');
const dots = new Dots(element.querySelector('canvas'));
const STARS = 5;  // of the traces below
const BETWEEN = 150;  // milliseconds between two looks at what a dragged star would paint
let P = null, base = null, value = null, nearest = null, look = null, mode = 'class', range = null, tall = null;
let dragged = null, least = 0, found = new Set(), before = null, pointer = null;
const layers = {pictures: false, density: false}, sheets = [];

const style = name => getComputedStyle(element).getPropertyValue(name).trim();
const stars = () => value.stars.filter(s => s.usage >= least || s.id === value.star || found.has(s.id));
const zoomed = () => range && Math.abs(range[1] - range[0]) < 8;
const solid = colour => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = colour; return c.fillStyle; };
const mixed = part => {
  const grey = rgb('#8a8a8e'), accent = rgb(solid(style('--color-accent')));
  return '#' + grey.map((g, i) => Math.round(g + part * (accent[i] - g)).toString(16).padStart(2, '0')).join('');
};
const starColour = s => mode === 'usage' || mode === 'moved' ? mixed(s[mode]) : s.colour;
const dotColours = () => {
  if (mode === 'class') {
    const hues = base.classColours.map(packed), none = packed('#888888');
    return Uint32Array.from(base.labels, l => l < 0 ? none : hues[l]);
  }
  const hues = new Map(value.stars.map(s => [s.id, packed(starColour(s))]));
  return Uint32Array.from(nearest, k => hues.get(k));
};

// Plotly takes names for HTML.
const literal = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
// Names of stars that fit: the chosen one first, then what was found, then by usage, each only where its box touches no other.
const labels = () => {
  const all = stars(), shown = all.map(() => ''), chosen = all.findIndex(s => s.id === value.star);
  const order = zoomed() ? [...all.keys()].sort((a, b) => all[b].usage - all[a].usage) : [];
  order.unshift(...[...all.keys()].filter(i => found.has(all[i].id)));
  if (chosen >= 0) order.unshift(chosen);
  const {xaxis, yaxis} = host._fullLayout || {}, boxes = [];
  for (const i of order) {
    if (shown[i] || (!xaxis && i !== chosen)) continue;
    const s = all[i], half = 3.6 * s.name.length + 3;
    const x = xaxis ? xaxis.l2p(s.x) : 0, y = xaxis ? yaxis.l2p(s.y) - 16 : 0;
    if (boxes.some(b => Math.abs(b.x - x) < b.half + half && Math.abs(b.y - y) < 16)) continue;
    boxes.push({x, y, half});
    shown[i] = literal(s.name);
  }
  return shown;
};

const halos = () => {
  const all = stars().filter(s => found.has(s.id));
  return {x: all.map(s => s.x), y: all.map(s => s.y)};
};
const traces = () => {
  const v = value, all = stars(), moves = all.filter(s => s.ghost), edge = style('--map-edge');
  const at = (s, axis) => dragged?.id === s.id ? dragged[axis] : s[axis];
  return [
    {type: 'histogram2dcontour', x: layers.density ? dots.x : [], y: layers.density ? dots.y : [], nbinsx: 60, nbinsy: 60, ncontours: 10,
     contours: {coloring: 'none'}, line: {width: 1, color: style('--body-text-color-subdued')}, showscale: false, hoverinfo: 'skip'},
    {type: 'scatter', mode: 'lines', hoverinfo: 'skip', line: {width: 1.5, dash: 'dot', color: style('--body-text-color-subdued')},
     x: moves.flatMap(s => [s.ghost[0], at(s, 'x'), null]), y: moves.flatMap(s => [s.ghost[1], at(s, 'y'), null])},
    {type: 'scatter', mode: 'markers', hoverinfo: 'skip', x: moves.map(s => s.ghost[0]), y: moves.map(s => s.ghost[1]),
     marker: {symbol: 'star-open', size: 15, color: moves.map(starColour), opacity: 0.8}},
    {name: 'query', type: 'scatter', mode: 'markers+text', x: v.query ? [v.query.x] : [], y: v.query ? [v.query.y] : [], text: ['your image'],
     textposition: 'bottom center', textfont: {size: 12, color: style('--body-text-color')}, hoverinfo: 'skip',
     marker: {symbol: 'x', size: 14, color: style('--body-text-color')}},
    {type: 'scatter', mode: 'markers', hoverinfo: 'skip', ...halos(), marker: {size: 38, color: style('--color-accent'), opacity: 0.3}},
    {name: 'stars', type: 'scatter', mode: 'markers+text', x: all.map(s => at(s, 'x')), y: all.map(s => at(s, 'y')), text: labels(),
     textposition: 'top center', textfont: {size: 12, color: style('--body-text-color')}, hoverinfo: 'skip', selectedpoints: null,
     marker: {symbol: 'star', size: all.map(s => s.id === v.star ? 26 : 16), color: all.map(starColour),
              opacity: all.map(s => s.muted || (found.size && !found.has(s.id)) ? 0.25 : 1), line: {width: all.map(s => s.id === v.star ? 2.5 : 1.2), color: edge}}},
  ];
};
// The head of each dotted line, pointing from where a moved star was to where it is.
const arrows = () => stars().filter(s => s.ghost && dragged?.id !== s.id).map(s => ({
  x: s.x, y: s.y, ax: s.ghost[0], ay: s.ghost[1], xref: 'x', yref: 'y', axref: 'x', ayref: 'y', text: '', showarrow: true,
  arrowhead: 2, arrowsize: 1.1, arrowwidth: 1.2, arrowcolor: style('--body-text-color-subdued'), standoff: 9,
}));
// Class names at the middle of their dots, moved down where two would lie on each other.
const classNames = () => {
  if (mode !== 'class' || zoomed() || found.size) return [];
  const {xaxis, yaxis} = host._fullLayout || {}, boxes = [];
  const place = c => xaxis ? {x: xaxis.l2p(c.x), y: yaxis.l2p(c.y), half: 3.8 * c.name.length + 6} : {x: 1e4 * boxes.length, y: 0, half: 0};
  return base.classes.map(c => ({c, box: place(c)})).sort((a, b) => a.box.y - b.box.y).map(({c, box}) => {
    let shift = 0;
    while (boxes.some(b => Math.abs(b.x - box.x) < b.half + box.half && Math.abs(b.y - box.y - shift) < 20)) shift += 4;
    boxes.push({...box, y: box.y + shift});
    return {x: c.x, y: c.y, yshift: -shift, text: literal(c.name), showarrow: false, font: {size: 12.5, color: style('--body-text-color')},
      bgcolor: style('--map-label'), borderpad: 2};
  });
};
const layout = () => ({
  uirevision: base.model, selectionrevision: value.revision, selections: [], dragmode: host.dataset.drag || 'pan',
  hovermode: false, showlegend: false, margin: {l: 0, r: 0, t: 0, b: 0},
  paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', newselection: {line: {color: style('--color-accent')}},
  xaxis: {visible: false, range: range ?? base.xrange},
  yaxis: {visible: false, scaleanchor: 'x', range: tall ?? base.yrange},
  annotations: [...arrows(), ...classNames()],
});
const draw = async () => {
  await P.react(host, traces(), layout(), {responsive: true, scrollZoom: true, displayModeBar: false, doubleClick: false});
  look = {colours: dotColours(), ground: packed(solid(style('--background-fill-primary')))};
  paint();
};

// All that is not Plotly's; while the map is being moved without thumbnails and fine pixels.
const paint = (moving = false) => {
  const ratio = moving ? 1 : Math.min(2, window.devicePixelRatio || 1), v = view(host._fullLayout), chosen = value.images.length ? value.images : null;
  const opacity = layers.pictures && !moving ? 0.02 : 0.4;
  dots.paint(v, ratio, {...look, chosen, opacity, size: zoomed() ? 6 : 3.6});
  if (layers.pictures && !moving) paintPictures(v, ratio);
};
// Where a tile lies: on which of the sheets, of how many rows, and where there.
const urls = () => base.sheet.urls ?? [base.sheet.url];
const onSheet = i => {
  const t = base.sheet, per = t.perSheet ?? t.count, sheet = Math.floor(i / per), place = i % per;
  const rows = Math.ceil(Math.min(per, t.count - sheet * per) / t.columns);
  return {sheet, rows, column: place % t.columns, row: Math.floor(place / t.columns)};
};
// Thumbnails: of what is in view as many as fit without touching, cut from the sprite sheet.
const paintPictures = (v, ratio) => {
  if (!sheets.length) return;
  const pen = dots.pen, t = base.sheet, taken = new Set(), side = zoomed() ? 36 : 22;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.imageSmoothingEnabled = false;
  dots.x.forEach((x, i) => {
    const px = (x - v.left) * v.x, py = (v.top - dots.y[i]) * v.y;
    if (px < 0 || py < 0 || px > v.width || py > v.height) return;
    const cell = `${Math.floor(px / (side + 3))},${Math.floor(py / (side + 3))}`;
    const at = onSheet(i), sheet = sheets[at.sheet];
    if (taken.has(cell) || !sheet.complete || !sheet.naturalWidth) return;
    taken.add(cell);
    const w = sheet.naturalWidth / t.columns, h = sheet.naturalHeight / at.rows;
    pen.drawImage(sheet, at.column * w, at.row * h, w, h, px - side / 2, py - side / 2, side, side);
  });
};

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
// What lies under the pointer; where a star and dots overlap, the star comes first.
const hover = event => {
  if (dragged) return;
  const star = starAt(event), k = star ? star.cover : dotAt(event);
  card.classList.toggle('shown', k >= 0);
  if (k < 0) return;
  tile(k);
  const label = base.labels[k], near = value.stars.find(s => s.id === nearest[k]);
  card.querySelector('b').textContent = star ? star.name : (label < 0 || base.generated ? base.kind : base.classNames[label]);
  card.querySelector('small').textContent = star ? `prototype, ${star.muted ? 'muted' : `${star.share} of the data`}` : `nearest to ${near?.name}`;
  const [x, y] = pixel(event);
  card.style.left = `${x > host.clientWidth / 2 ? x - card.offsetWidth - 14 : x + 14}px`;
  card.style.top = `${Math.max(4, Math.min(host.clientHeight - card.offsetHeight - 4, y - 30))}px`;
};

// Plotly cannot drag points: the press is caught before its drag layer sees it, and the star follows the pointer.
const press = event => {
  pointer = event;
  if (event.button) return;
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
  let told = 0;
  const move = e => {
    if (!dragged && still(e)) return;
    const {xaxis, yaxis} = host._fullLayout, all = stars(), [x, y] = pixel(e);
    card.classList.remove('shown');
    dragged = {id: star.id, x: xaxis.p2l(x), y: yaxis.p2l(y)};
    if (base.live && performance.now() - told > BETWEEN) { told = performance.now(); trigger('dragging', dragged); }
    P.restyle(host, {x: [all.map(s => s.id === star.id ? dragged.x : s.x)], y: [all.map(s => s.id === star.id ? dragged.y : s.y)]}, [STARS]);
  };
  const end = e => {
    for (const [type, f] of [['pointermove', move], ['pointerup', end], ['pointercancel', end]]) window.removeEventListener(type, f);
    if (e.type === 'pointercancel') { dragged = null; draw(); }
    else if (dragged) trigger('drag', {id: star.id, x: dragged.x, y: dragged.y});
    else trigger('star', {id: star.id});
  };
  for (const [type, f] of [['pointermove', move], ['pointerup', end], ['pointercancel', end]]) window.addEventListener(type, f);
};
const zoom = factor => {
  const {xaxis, yaxis} = host._fullLayout;
  const scaled = ({range: [a, b]}) => { const m = (a + b) / 2, h = (b - a) / 2 * factor; return [m - h, m + h]; };
  P.relayout(host, {'xaxis.range': scaled(xaxis), 'yaxis.range': scaled(yaxis)});
};
// What a search found has a halo; a single star is gone to, and the end of the search leads back.
const seek = async () => {
  found = new Set(props.found || []);
  const {xaxis, yaxis} = host._fullLayout, all = value.stars.filter(s => found.has(s.id));
  let view = null;
  if (all.length === 1) {
    const half = 3.5, [{x, y}] = all, high = half * yaxis._length / xaxis._length;
    before ??= [[...xaxis.range], [...yaxis.range]];
    view = [[x - half, x + half], [y - high, y + high]];
  } else if (!found.size && before) { view = before; before = null; }
  await draw();
  if (view) P.relayout(host, {'xaxis.range': view[0], 'yaxis.range': view[1]});
};
const mark = (group, button) => bar.querySelectorAll(`[data-${group}]`).forEach(b => b.setAttribute('aria-pressed', b === button));

// What the server sent, out of the wrappers that make Gradio's props slow to read.
const plain = wrapped => JSON.parse(JSON.stringify(wrapped));
const given = () => Boolean(props.base?.x && props.value);
const take = () => {
  value = latest();
  if (base?.x !== props.base.x) {
    const same = base?.model === props.base.model && base.sheet.url === props.base.sheet.url;
    base = plain(props.base);
    base.labels = unpacked(base.labels, Int16Array);
    base.nearest = unpacked(base.nearest, Int32Array);
    dots.load(base);
    if (!same) sheets.length = 0;
    if (!same || !zoomed()) range = tall = null;  // laid out again, a part that one looks at stays in view
  }
  nearest = base.nearest.slice();
  const rows = unpacked(value.nearest.rows, Int32Array), ids = unpacked(value.nearest.ids, Int32Array);
  rows.forEach((row, i) => { nearest[row] = ids[i]; });
};
const start = async () => {
  // A base that was sent before the map's tab was first opened is lost: it is asked for once more.
  for (let i = 0; !window.Plotly || !given(); i++) {
    if (i === 20) trigger('bare');
    await new Promise(r => setTimeout(r, 30));
  }
  P = window.Plotly;
  take();
  await draw();
  await draw();  // once more with axes: names are laid out in pixels
  element.classList.add('ready');
  for (const type of ['pointerdown', 'mousedown', 'touchstart'])
    host.addEventListener(type, e => type === 'pointerdown' ? press(e) : starAt(e.touches?.[0] ?? e, e.touches ? 20 : 12) && e.stopPropagation(), {capture: true, passive: type === 'touchstart'});
  host.addEventListener('pointermove', hover);
  host.addEventListener('pointerleave', () => card.classList.remove('shown'));
  host.on('plotly_selected', e => {
    const ids = e?.lassoPoints ? dots.inside(e.lassoPoints) : [];
    const inside = (e?.points || []).filter(p => p.curveNumber === STARS).map(p => stars()[p.pointNumber].id);
    if (ids.length) trigger('lasso', {ids, stars: inside});
  });
  host.on('plotly_relayout', e => {
    if (!Object.keys(e).some(k => k.startsWith('xaxis') || k.startsWith('yaxis'))) return;
    const before = zoomed();
    range = [...host._fullLayout.xaxis.range];
    tall = [...host._fullLayout.yaxis.range];
    if (before || zoomed()) draw(); else paint();
  });
  host.on('plotly_relayouting', () => { before = null; paint(true); });
  host.on('plotly_doubleclick', () => {
    const {xaxis, yaxis} = host._fullLayout, [x, y] = pixel(pointer);
    trigger('place', {x: xaxis.p2l(x), y: yaxis.p2l(y)});
  });
  bar.addEventListener('click', e => {
    const b = e.target.closest('button');
    if (!b) return;
    if (b.dataset.colour) { mode = b.dataset.colour; mark('colour', b); draw(); }
    if (b.dataset.drag) { host.dataset.drag = b.dataset.drag; mark('drag', b); P.relayout(host, {dragmode: b.dataset.drag}); }
    if (b.dataset.layer) {
      layers[b.dataset.layer] = !layers[b.dataset.layer];
      b.setAttribute('aria-pressed', layers[b.dataset.layer]);
      if (!sheets.length) sheets.push(...urls().map(url => Object.assign(new Image(), {onload: () => paint(), src: url})));
      draw();
    }
    if (b.dataset.zoom === 'fit') { range = tall = null; P.relayout(host, {'xaxis.range': base.xrange, 'yaxis.range': base.yrange}); }
    else if (b.dataset.zoom) zoom(Number(b.dataset.zoom));
  });
  bar.querySelector('[data-least]').addEventListener('input', e => { least = e.target.value / 100; draw(); });
  document.addEventListener('keydown', e => {
    if (!(e.ctrlKey || e.metaKey) || e.key.toLowerCase() !== 'z' || !host.offsetParent) return;
    if (e.target.closest('input, textarea, [contenteditable]')) return;
    e.preventDefault();
    trigger(e.shiftKey ? 'redo' : 'undo');
  });
  new ResizeObserver(() => P.Plots.resize(host).then?.(() => paint())).observe(host);
  new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
};
start();
watch(['value', 'base'], () => { dragged = null; if (P && given()) { take(); draw(); } });
watch('found', () => { if (P) seek(); });
