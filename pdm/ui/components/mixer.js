// Sliders for the picked prototypes. "mix" reports all ids and weights, "mixing" the same while a slider is moved, "drop" one id.
const BETWEEN = 150;  // milliseconds between two of "mixing"
const host = element.querySelector('.mixer');
let shape = '', told = 0;

const read = () => [...host.querySelectorAll('input')].map(i => Number(i.value));
const show = () => {
  const weights = read(), total = weights.reduce((a, b) => a + b, 0);
  [...host.querySelectorAll('output')].forEach((o, i) => { o.textContent = total ? `${Math.round(100 * weights[i] / total)} %` : '0 %'; });
};
const build = v => host.replaceChildren(...v.items.map((item, i) => {
  const row = document.createElement('div');
  row.className = 'row';
  const picture = document.createElement('img');
  picture.src = item.picture;
  picture.alt = '';
  const name = document.createElement('span');
  name.className = 'name named';
  name.title = item.name;
  name.translate = false;
  const dot = document.createElement('i');
  dot.style.background = item.colour;
  name.append(dot, ...shortened(item.name));
  const slider = Object.assign(document.createElement('input'), {type: 'range', min: 0, max: 1, step: 0.01, value: v.weights[i]});
  slider.setAttribute('aria-label', `weight of ${item.name}`);
  const mix = () => ({ids: v.items.map(x => x.id), weights: read()});
  slider.addEventListener('input', () => {
    show();
    if (performance.now() - told < BETWEEN) return;
    told = performance.now();
    trigger('mixing', mix());
  });
  slider.addEventListener('change', () => trigger('mix', mix()));
  const share = document.createElement('output');
  const drop = Object.assign(document.createElement('button'), {type: 'button', textContent: '\u00d7', title: `take ${item.name} out`});
  drop.setAttribute('aria-label', `take ${item.name} out`);
  drop.addEventListener('click', () => trigger('drop', {id: item.id}));
  row.append(picture, name, slider, share, drop);
  return row;
}));
const paint = () => {
  const v = latest();
  if (!v) return;
  element.querySelector('.note').textContent = v.items.length ? '' : v.empty;
  const wanted = JSON.stringify(v.items);
  if (wanted !== shape) { build(v); shape = wanted; }
  // The sliders stay where only weights are others, and the one in hand is left alone.
  host.querySelectorAll('input').forEach((slider, i) => { if (slider !== document.activeElement) slider.value = v.weights[i]; });
  show();
};
paint();
watch('value', paint);
