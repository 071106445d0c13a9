// Pictures are made small before they are sent, and what stays too large is not sent at all.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Node, run, template} from './page.mjs';

const AT = 'http://here/gradio_api/upload?upload_id=x', MB = 1_000_000;
const photo = (bytes, name = 'IMG 1.HEIC.png', type = 'image/png') => new File([new Uint8Array(bytes)], name, {type});

// A browser whose pictures have this size once they are read, or that cannot read them.
const browser = (width = 4000, height = 3000, made = 9) => {
  const sent = [], drawn = [], window = {};
  window.fetch = async (at, options) => { sent.push([at, options]); return new Response('[]'); };
  const canvas = () => Object.assign(new Node('canvas'), {
    getContext: () => ({drawImage: (...all) => drawn.push(all.slice(1))}), toBlob: (done, type) => done(new Blob([new Uint8Array(made)], {type})),
  });
  const document = {createElement: canvas, addEventListener: () => {}};
  const createImageBitmap = async () => { if (!width) throw new Error('no picture'); return {width, height}; };
  run(['small_pictures.js'], template(), null, {window, document, createImageBitmap, File, FormData, Response, mostUpload: 5 * MB, mostPicture: 50 * MB});
  const upload = async (...files) => {
    const body = new FormData();
    for (const file of files) body.append('files', file);
    return window.fetch(AT, {method: 'POST', body});
  };
  return {window, sent, drawn, upload, files: () => sent[0][1].body.getAll('files')};
};

test('a photograph of a phone is sent as a small one, standing or lying', async () => {
  for (const [size, drawn] of [[[8000, 6000], [0, 0, 1024, 768]], [[600, 900], [0, 0, 600, 900]]]) {
    const page = browser(...size);
    await page.upload(photo(12 * MB));
    assert.deepEqual(page.drawn, [drawn]);
    const [file] = page.files();
    assert.deepEqual([file.name, file.type, file.size], ['IMG 1.HEIC.jpg', 'image/jpeg', 9]);
    assert.deepEqual([page.sent[0][0], page.sent[0][1].method], [AT, 'POST']);
  }
});

test('small pictures, and files that are none, are sent as they are', async () => {
  const page = browser(), files = [photo(0.5 * MB), photo(4 * MB, 'a.safetensors', '')];
  await page.upload(...files);
  assert.deepEqual(page.files().map(f => [f.name, f.size]), files.map(f => [f.name, f.size]));
});

test('what stays too large is not sent, and the answer says how large it may be', async () => {
  for (const [page, file, said] of [
    [browser(), photo(6 * MB, 'a.safetensors', ''), '“a.safetensors” has 6.0 MB. Files may have 5.'],
    [browser(), photo(51 * MB), '“IMG 1.HEIC.png” has 51.0 MB. Pictures may have 50.'],
    [browser(0), photo(6 * MB), '“IMG 1.HEIC.png” has 6.0 MB. Pictures may have 50.'],
  ]) {
    const answer = await page.upload(file);
    assert.deepEqual([answer.status, await answer.text(), page.sent.length], [413, said, 0]);
  }
});

test('all other requests pass', async () => {
  const page = browser(), options = {method: 'POST', body: '{}'};
  await page.window.fetch('http://here/gradio_api/queue/join?', options);
  assert.equal(page.sent[0][1], options);
});
