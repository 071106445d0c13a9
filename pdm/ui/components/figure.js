// A figure: Plotly's data and layout, with colours by the names that the page's style gives them, and a caption.
const box = element.querySelector('figure'), host = box.querySelector('.plot');
let drawn = false;

const style = name => getComputedStyle(element).getPropertyValue(name).trim();
const SAID = ['text', 'name', 'hovertemplate'];  // what is read; Plotly measures it, so it comes in the page's language
// The same with every "var(--x)" as the colour that it stands for now, in light or in dark.
const coloured = (part, key) => {
  if (typeof part === 'string') return SAID.includes(key) ? said(part) : part.replace(/^var\((--[\w-]+)\)$/, (_, name) => style(name));
  if (Array.isArray(part)) return part.map(each => coloured(each, key));
  return part && typeof part === 'object' ? Object.fromEntries(Object.entries(part).map(([name, v]) => [name, coloured(v, name)])) : part;
};
const said = text => window.inOwnWords?.(text) ?? text;
const draw = async () => {
  const value = latest();
  box.hidden = !value;
  if (!value) return;
  box.querySelector('b').textContent = `${value.title}.`;
  box.querySelector('figcaption span').textContent = value.caption;
  box.querySelector('code').textContent = value.command;
  host.setAttribute('aria-label', `${value.title}. ${value.caption}`);
  host.style.height = `${value.layout.height}px`;  // before Plotly has come: nothing jumps then
  while (!window.Plotly) await new Promise(r => setTimeout(r, 50));
  await window.Plotly.react(host, coloured(value.data), coloured(value.layout), {responsive: true, displayModeBar: false});
  drawn = true;
};
draw();
watch('value', draw);
new ResizeObserver(() => { if (drawn && host.offsetParent) window.Plotly.Plots.resize(host); }).observe(host);
new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
