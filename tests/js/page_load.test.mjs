// A page that opens: it asks again where the server is busy, and leaves out what would be too large.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {run, template} from './page.mjs';

const URL = 'http://here/gradio_api/queue/join?';
const asking = (number, data = []) => ({method: 'POST', body: JSON.stringify({data, fn_index: number, session_hash: 's'})});

// A page whose server answers with these statuses, one after the other, and then with 200.
const page = (...statuses) => {
  const asked = [], waits = [];
  const window = {fetch: async (url, options) => { asked.push([url, options]); return {status: statuses.shift() ?? 200}; }};
  const setTimeout = (go, milliseconds) => { waits.push(milliseconds); go(); };
  run(['page_load.js'], template(), null, {window, Blob, Response, setTimeout, opening: {4: [1]}, most: 200, tooLarge: 'too large'});
  return {fetch: (...request) => window.fetch(...request), asked, waits};
};

test('an opening that is refused is asked for again until it is taken, with longer and longer waits', async () => {
  const {fetch, asked, waits} = page(503, 429, 503, 502);
  assert.equal((await fetch(URL, asking(4))).status, 200);
  assert.equal(asked.length, 5);
  assert.ok(asked.every(([url, options]) => url === URL && options.method === 'POST' && options.body === asking(4).body));
  assert.ok(waits.length === 4 && waits[0] >= 225 && waits[0] <= 375 && waits[3] > 3 * waits[0]);
});

test('it is not asked for for ever, nor where another answer comes', async () => {
  const never = page(...Array(50).fill(503));
  assert.equal((await never.fetch(URL, asking(4))).status, 503);
  const total = never.waits.reduce((a, b) => a + b, 0);
  assert.ok(never.asked.length === 9 && total > 30_000 && total < 70_000);
  const wrong = page(400, 503);
  assert.equal((await wrong.fetch(URL, asking(4))).status, 400);
  assert.equal(wrong.asked.length, 1);
});

test('whatever else the page asks for goes out once, as it is', async () => {
  const large = 'x'.repeat(300);
  const others = [[URL, asking(5, ['a', large])], [URL, asking(44)], ['http://here/config', undefined], ['http://here/gradio_api/run/x', asking(4)]];
  for (const [url, options] of others) {
    const {fetch, asked} = page(503);
    assert.equal((await fetch(url, options)).status, 503);
    assert.deepEqual(asked, [[url, options]]);
  }
});

test('what the browser kept is left out of a request that would be too large, and of no other', async () => {
  for (const [kept, sent] of [['x'.repeat(300), 'too large'], ['é'.repeat(90), 'too large'], ['small', 'small']]) {
    const {fetch, asked} = page();
    await fetch(URL, asking(4, [null, kept, 'model']));
    assert.deepEqual(JSON.parse(asked[0][1].body), {data: [null, sent, 'model'], fn_index: 4, session_hash: 's'});
  }
});

test('what the server has not taken yet is not taken back there', async () => {
  const {fetch, asked} = page();
  const RESET = 'http://here/gradio_api/reset', CANCEL = 'http://here/gradio_api/cancel', body = number => ({method: 'POST', body: JSON.stringify({fn_index: 3, event_id: number})});
  for (const url of [CANCEL, RESET]) assert.deepEqual(await (await fetch(url, body())).json(), {success: false});
  assert.equal(asked.length, 0);
  await fetch(CANCEL, body('e1'));
  assert.deepEqual(asked, [[CANCEL, body('e1')]]);
});
