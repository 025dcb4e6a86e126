// Only Node: res.write() for each event, or (batched) one write for everything that is ready.
import { counter, countedNow, payload } from '../machinery/payload.mjs';
import { HEAD, MAX_QUEUED_BYTES, frame } from './framing.mjs';
import { serve } from './http-server.mjs';

const JOIN_LENGTH = 16_384;

export async function start({ batched = false, pulled = false, heartbeatMs }) {
  const open = new Map();
  const log = [];
  let scheduled = false;

  const begin = (response) => {
    response.writeHead(200, HEAD);
    response.flushHeaders();
    return response;
  };
  const subscribe = (response) => {
    open.set(begin(response), '');
    response.on('close', () => open.delete(response));
  };
  const send = (response, text) => {
    if (!response.write(text) && response.writableLength > MAX_QUEUED_BYTES) response.destroy();
  };
  const sendJoined = () => {
    scheduled = false;
    for (const [response, text] of open) {
      open.set(response, '');
      if (text !== '') send(response, text);
    }
  };

  const port = await serve({
    '/generator': (response, query) => {
      begin(response);
      const [count, perTurn] = [Number(query.get('count')), Number(query.get('perTurn'))];
      if (pulled) void pull(response, counter(count, perTurn));
      else pump(response, countedNow(count), batched ? JOIN_LENGTH : 1);
    },
    '/subscribe': subscribe,
    '/first': (response) => {
      subscribe(response);
      response.write(frame(payload(0)));
    },
    '/idle': (response) => {
      begin(response);
      const beat = setInterval(() => response.write(':\n'), heartbeatMs);
      response.on('close', () => clearInterval(beat));
    },
    '/resume': (response, query, { headers }) => {
      subscribe(response);
      const missed = log.slice(Number(headers['last-event-id']));
      if (batched) response.write(missed.join(''));
      else for (const text of missed) response.write(text);
    },
  });

  return {
    port,
    publish(event) {
      const text = frame(event);
      if (log.length < 1000) log.push(text);
      if (!batched) {
        for (const response of open.keys()) send(response, text);
        return;
      }
      for (const [response, waiting] of open) open.set(response, waiting + text);
      if (!scheduled) setImmediate(sendJoined);
      scheduled = true;
    },
    resumeId: (after) => String(after),
  };
}

/** From a synchronous source, as fast as the response drains, in writes of `joinLength`. */
function pump(response, events, joinLength) {
  let text = '';
  // Not for…of, which would end the generator when the loop is left.
  for (let step = events.next(); !step.done; step = events.next()) {
    text += frame(step.value);
    if (text.length < joinLength) continue;
    const more = response.write(text);
    text = '';
    if (more) continue;
    response.once('drain', () => pump(response, events, joinLength));
    return;
  }
  response.end(text);
}

/** From an async generator: the minimum for a library that accepts one. */
async function pull(response, events) {
  let text = '';
  let scheduled = false;
  const flush = () => {
    scheduled = false;
    if (text === '') return true;
    const ready = text;
    text = '';
    return response.write(ready);
  };
  for await (const event of events) {
    text += frame(event);
    if (text.length >= JOIN_LENGTH) {
      if (!flush()) await new Promise((resolve) => response.once('drain', resolve));
    } else if (!scheduled) {
      scheduled = true;
      process.nextTick(flush);
    }
  }
  const rest = text;
  text = '';
  response.end(rest);
}
