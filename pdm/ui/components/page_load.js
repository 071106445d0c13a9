// What the page asks for when it opens must come in: where the server is too busy to take it, it is asked for again by
// and by, and what the browser kept of the visitor's edits is left out where a request would be too large with it. And
// what the server has not taken yet, and so has no number, is not taken back there: it would not know what.
//
// Before this: `opening`, the events at the page's opening by number, each with the places of what the browser kept
// among its values; `most`, the bytes a request may have; `tooLarge`, what is sent instead.
(() => {
  const BUSY = [429, 502, 503, 504];
  const WAITS = [0.3, 0.6, 1.2, 2.5, 5, 10, 15, 15];  // seconds
  const send = window.fetch.bind(window);

  const kept = body => {
    const number = /"fn_index":(\d+)/.exec(body);
    return number && opening[number[1]];
  };
  const fitting = (body, places) => {
    if (new Blob([body]).size <= most) return body;
    const values = JSON.parse(body);
    for (const place of places) values.data[place] = tooLarge;
    return JSON.stringify(values);
  };
  // Not all pages that were refused at the same moment come back at the same moment.
  const pause = seconds => new Promise(resolve => setTimeout(resolve, 1000 * seconds * (0.75 + Math.random() / 2)));

  const unknown = (url, body) => /\/(cancel|reset)(\?|$)/.test(url) && typeof body === 'string' && !JSON.parse(body).event_id;

  window.fetch = async (asked, options) => {
    const url = asked?.url ?? asked;
    if (unknown(url, options?.body)) return Response.json({success: false});
    const asks = /\/queue\/join(\?|$)/.test(url) && typeof options?.body === 'string';
    const places = asks && kept(options.body);
    if (!places) return send(asked, options);
    const request = {...options, body: fitting(options.body, places)};
    for (const seconds of WAITS) {
      const answer = await send(asked, request);
      if (!BUSY.includes(answer.status)) return answer;
      await pause(seconds);
    }
    return send(asked, request);
  };
})();
