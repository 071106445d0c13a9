// What a search has found as buttons, and a line of text. "open" reports the id of the one pressed.
const host = element.querySelector('.row');

const paint = () => {
  const v = latest();
  if (!v) return;
  const buttons = v.items.map(item => {
    const button = Object.assign(document.createElement('button'), {type: 'button'});
    const picture = Object.assign(document.createElement('img'), {src: item.picture, alt: ''});
    button.title = item.name;
    button.translate = false;
    button.append(picture, Object.assign(document.createElement('span'), {textContent: item.name}));
    button.addEventListener('click', () => trigger('open', {id: item.id}));
    return button;
  });
  const text = Object.assign(document.createElement('p'), {textContent: v.text});
  host.replaceChildren(...buttons, text);
};
paint();
watch('value', paint);
