// The map: images as dots, prototypes as stars, drawn by the Plotly that the app itself serves.
// Events: "star" {id}, "image" {id}, "lasso" {ids}. What Python sends is ids and a place, never a figure.
const host = element.querySelector('.plot'), card = element.querySelector('.card'), bar = element.querySelector('.tools');
const IMAGES = 0, STARS = 1, QUERY = 2;
let P = null, base = null, mode = 'class', range = null;

const style = name => getComputedStyle(element).getPropertyValue(name).trim();
const dotColours = () => mode === 'class'
  ? base.labels.map(l => l < 0 ? '#888888' : base.classColours[l])
  : base.nearest.map(k => base.prototypes.colours[k]);
const zoomed = () => range && Math.abs(range[1] - range[0]) < 8;

const traces = () => {
  const v = props.value, p = base.prototypes, chosen = v.star ?? -1;
  const name = (n, k) => (zoomed() || k === chosen) ? n : '';
  return [
    {type: 'scattergl', mode: 'markers', x: base.x, y: base.y, hoverinfo: 'none',
     marker: {size: zoomed() ? 6 : 3.6, color: dotColours(), opacity: 0.4},
     selectedpoints: v.images?.length ? v.images : null, unselected: {marker: {opacity: 0.12}}, selected: {marker: {opacity: 0.95}}},
    {type: 'scatter', mode: 'markers+text', x: p.x, y: p.y, text: p.names.map(name), textposition: 'top center',
     textfont: {size: 12, color: style('--body-text-color')}, hoverinfo: 'none', selectedpoints: null,
     marker: {symbol: 'star', size: p.names.map((_, k) => k === chosen ? 26 : 16), color: p.colours,
              line: {width: p.names.map((_, k) => k === chosen ? 2.5 : 1.2), color: style('--map-edge')}}},
    {type: 'scatter', mode: 'markers+text', x: v.query ? [v.query.x] : [], y: v.query ? [v.query.y] : [], text: ['your image'],
     textposition: 'bottom center', textfont: {size: 12, color: style('--body-text-color')}, hoverinfo: 'none',
     marker: {symbol: 'x', size: 14, color: style('--body-text-color')}},
  ];
};
const layout = () => ({
  uirevision: base.model, selectionrevision: props.value.revision, selections: [], dragmode: host.dataset.drag || 'pan',
  hovermode: 'closest', hoverdistance: 12, showlegend: false, margin: {l: 0, r: 0, t: 0, b: 0},
  paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', newselection: {line: {color: style('--color-accent')}},
  xaxis: {visible: false, ...(range ? {} : {range: base.xrange})},
  yaxis: {visible: false, scaleanchor: 'x', ...(range ? {} : {range: base.yrange})},
  annotations: mode === 'class' && !zoomed() ? base.classes.map(c => ({x: c.x, y: c.y, text: c.name, showarrow: false,
    font: {size: 12.5, color: style('--body-text-color')}, bgcolor: style('--map-label'), borderpad: 2})) : [],
});
const draw = () => P.react(host, traces(), layout(), {responsive: true, scrollZoom: true, displayModeBar: false, doubleClick: false});

const tile = row => {
  const t = base.sheet, rows = Math.ceil(t.count / t.columns), box = card.querySelector('span');
  box.style.backgroundImage = `url("${t.url}")`;
  box.style.backgroundSize = `${t.columns * 64}px ${rows * 64}px`;
  box.style.backgroundPosition = `-${(row % t.columns) * 64}px -${Math.floor(row / t.columns) * 64}px`;
};
// Where a star and dots overlap Plotly names the smaller one; here the star comes first.
const under = event => {
  const box = host.getBoundingClientRect(), {xaxis, yaxis} = host._fullLayout, p = base.prototypes;
  const x = event.event.clientX - box.left - xaxis._offset, y = event.event.clientY - box.top - yaxis._offset;
  let best = 11, star = -1;
  p.x.forEach((px, k) => {
    const d = Math.hypot(xaxis.l2p(px) - x, yaxis.l2p(p.y[k]) - y);
    if (d < best) { best = d; star = k; }
  });
  return star >= 0 ? [STARS, star] : [event.points[0].curveNumber, event.points[0].pointNumber];
};
const hover = event => {
  const [curve, k] = under(event), star = curve === STARS;
  if (curve === QUERY) return;
  tile(star ? base.prototypes.covers[k] : k);
  const label = base.labels[k], nearest = base.prototypes.names[base.nearest[k]];
  card.querySelector('b').textContent = star ? base.prototypes.names[k] : (label < 0 ? 'training image' : base.classNames[label]);
  card.querySelector('small').textContent = star ? `prototype, ${base.prototypes.shares[k]} of the data` : `nearest to ${nearest}`;
  const area = host.getBoundingClientRect(), x = event.event.clientX - area.left, y = event.event.clientY - area.top;
  card.style.left = `${x > area.width / 2 ? x - card.offsetWidth - 14 : x + 14}px`;
  card.style.top = `${Math.max(4, Math.min(area.height - card.offsetHeight - 4, y - 30))}px`;
  card.classList.add('shown');
};
const zoom = factor => {
  const {xaxis, yaxis} = host._fullLayout;
  const scaled = ({range: [a, b]}) => { const m = (a + b) / 2, h = (b - a) / 2 * factor; return [m - h, m + h]; };
  P.relayout(host, {'xaxis.range': scaled(xaxis), 'yaxis.range': scaled(yaxis)});
};
const press = (group, button) => bar.querySelectorAll(`[data-${group}]`).forEach(b => b.setAttribute('aria-pressed', b === button));

const start = async () => {
  while (!window.Plotly || !props.base?.x) await new Promise(r => setTimeout(r, 30));
  P = window.Plotly;
  base = props.base;
  await draw();
  element.classList.add('ready');
  host.on('plotly_hover', hover);
  host.on('plotly_unhover', () => card.classList.remove('shown'));
  host.on('plotly_click', e => {
    const [curve, id] = under(e);
    if (curve === STARS) trigger('star', {id});
    else if (curve === IMAGES) trigger('image', {id});
  });
  host.on('plotly_selected', e => {
    const ids = (e?.points || []).filter(p => p.curveNumber === IMAGES).map(p => p.pointNumber);
    if (ids.length) trigger('lasso', {ids});
  });
  host.on('plotly_relayout', e => {
    const {xaxis} = host._fullLayout, before = zoomed();
    if (!Object.keys(e).some(k => k.startsWith('xaxis'))) return;
    range = [...xaxis.range];
    if (before !== zoomed()) draw();
  });
  bar.addEventListener('click', e => {
    const b = e.target.closest('button');
    if (!b) return;
    if (b.dataset.colour) { mode = b.dataset.colour; press('colour', b); draw(); }
    if (b.dataset.drag) { host.dataset.drag = b.dataset.drag; press('drag', b); P.relayout(host, {dragmode: b.dataset.drag}); }
    if (b.dataset.zoom === 'fit') { range = null; P.relayout(host, {'xaxis.range': base.xrange, 'yaxis.range': base.yrange}); }
    else if (b.dataset.zoom) zoom(Number(b.dataset.zoom));
  });
  new ResizeObserver(() => P.Plots.resize(host)).observe(host);
  new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
};
start();
watch('value', () => P && draw());
watch('base', () => { if (P && props.base?.x) { base = props.base; range = null; draw(); } });
