// A name where there may be too little room for it: what is left out is its middle, never the number at its end, which
// tells "Annual crop 3" from "Annual crop 4". The whole of it stands in a tooltip, which the caller gives.
const shortened = name => {
  const [, stem, number] = name.match(/^(.+?)( \d.{0,7})$/) ?? [name, name, ''];
  return [[stem, 'stem'], [number, 'number']].filter(([text]) => text).map(([textContent, className]) =>
    Object.assign(document.createElement('span'), {textContent, className}));
};
