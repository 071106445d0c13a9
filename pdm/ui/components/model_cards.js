// Models as buttons with a strip of pictures, a title and how long they were trained. A pressed one says at once that its
// model is being loaded, and the tabs are dimmed and covered until the server has answered: nothing of the last model can
// be used under the new name. The value holds what is wanted and the number of the choice ("turn"); answers bring that number back.
const host = element.querySelector('.row');
const make = (tag, props) => Object.assign(document.createElement(tag), props);
let turn = 0;  // the visitor's latest choice
let wanted = null;  // its model
let answered = 0;  // the latest that was answered

const want = name => {
  const v = latest();
  props.value = JSON.stringify({...v, chosen: name, turn, loading: true});
  paint();
};

const choose = name => {
  const v = latest();
  if (name === v.chosen) return;
  turn += 1;
  wanted = name;
  want(name);
  requestAnimationFrame(() => setTimeout(() => { trigger('turn'); trigger('choose'); }));  // once that is on the screen
};

const card = (model, v) => {
  const pressed = model.name === v.chosen, loading = pressed && Boolean(v.loading);
  const button = make('button', {type: 'button'});
  button.setAttribute('aria-pressed', pressed);
  button.setAttribute('aria-busy', loading);
  // null: its pictures are still to come, and have their place; '' where there are none.
  if (model.strip) button.append(make('img', {src: model.strip, alt: '', className: 'strip'}));
  if (model.strip === null) button.append(make('i', {className: 'strip'}));
  const words = make('span', {});
  words.append(make('span', {textContent: model.title, translate: false}));  // a name, in any language
  if (loading) words.append(make('small', {textContent: 'loading', role: 'status'}));
  else if (model.seen) words.append(make('small', {textContent: model.seen}));
  button.append(words);
  button.addEventListener('click', () => choose(model.name));
  return button;
};

// The cover is one element in front, which page.css draws: to make the tabs inert would style thousands anew.
const cover = v => {
  const tabs = document.querySelector('#tabs');
  if (!tabs) return;
  tabs.ariaBusy = Boolean(v.loading);
  if (v.loading) tabs.dataset.loading = `${v.models.find(m => m.name === v.chosen)?.title ?? v.chosen} is being loaded`;
  else delete tabs.dataset.loading;
  if (tabs.dataset.guarded) return;
  tabs.dataset.guarded = true;
  for (const kind of ['click', 'keydown', 'input', 'change']) tabs.addEventListener(kind, unlessCovered, true);
};
const unlessCovered = e => {
  if (!e.currentTarget.dataset.loading || e.key === 'Tab') return;
  e.stopImmediatePropagation();
  e.preventDefault();
};

const intoView = () => {
  const box = host.querySelector('[aria-pressed=true]')?.getBoundingClientRect(), row = host.getBoundingClientRect();
  if (box && (box.left < row.left || box.right > row.right)) host.scrollLeft += box.left - row.left;
};

const paint = () => {
  const v = latest();
  if (!v) return;
  const focused = host.contains(document.activeElement);
  host.replaceChildren(...v.models.map(model => card(model, v)));
  cover(v);
  if (focused) host.querySelector('[aria-pressed=true]')?.focus({preventScroll: true});
  requestAnimationFrame(intoView);
};

const answer = () => {
  const v = latest();
  if (!v) return;
  if ((v.turn ?? 0) >= turn) answered = turn;
  else {  // it answers an earlier choice: what it brought is covered, and the latest choice still holds
    want(wanted);
    if (answered === turn) trigger('choose');
    return;
  }
  paint();
};
paint();
watch('value', answer);
