// Models as buttons with a strip of pictures. "choose" reports the name of the one pressed.
const host = element.querySelector('.row');

const paint = () => {
  const v = latest();
  if (!v) return;
  host.replaceChildren(...v.models.map(model => {
    const button = Object.assign(document.createElement('button'), {type: 'button'});
    button.setAttribute('aria-pressed', model.name === v.chosen);
    if (model.strip) button.append(Object.assign(document.createElement('img'), {src: model.strip, alt: ''}));
    button.append(model.title);
    button.addEventListener('click', () => trigger('choose', {name: model.name}));
    return button;
  }));
};
paint();
watch('value', paint);
