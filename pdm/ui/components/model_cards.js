// Models as buttons with a strip of pictures, a title and how long they were trained. "choose" reports the name of the one pressed.
const host = element.querySelector('.row');
const make = (tag, props) => Object.assign(document.createElement(tag), props);

const paint = () => {
  const v = latest();
  if (!v) return;
  host.replaceChildren(...v.models.map(model => {
    const button = Object.assign(document.createElement('button'), {type: 'button'});
    button.setAttribute('aria-pressed', model.name === v.chosen);
    // null: its pictures are still to come, and have their place; '' where there are none.
    if (model.strip) button.append(make('img', {src: model.strip, alt: '', className: 'strip'}));
    if (model.strip === null) button.append(make('i', {className: 'strip'}));
    const words = Object.assign(document.createElement('span'), {textContent: model.title});
    if (model.seen) words.append(Object.assign(document.createElement('small'), {textContent: model.seen}));
    button.append(words);
    button.addEventListener('click', () => trigger('choose', {name: model.name}));
    return button;
  }));
  const pressed = host.querySelector('[aria-pressed=true]')?.getBoundingClientRect();
  const row = host.getBoundingClientRect();
  if (pressed && (pressed.left < row.left || pressed.right > row.right)) host.scrollLeft += pressed.left - row.left;
};
paint();
watch('value', paint);
