import { connect } from 'node:net';
import { nowMicros } from '../machinery/clock.mjs';

/** Requests of an ordinary route, one after the other on each of `connections` kept open, for `ms`. */
export async function request({ port, path, ms, connections, body }) {
  const startedAt = nowMicros();
  const end = startedAt + ms * 1000;
  const results = await Promise.all(
    Array.from({ length: connections }, () => requestUntil(end, { port, path, body })),
  );
  return {
    requests: results.reduce((sum, { requests }) => sum + requests, 0),
    micros: nowMicros() - startedAt,
    problem: results.find(({ problem }) => problem)?.problem,
  };
}

function requestUntil(end, { port, path, body }) {
  return new Promise((resolve) => {
    const text = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n`;
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    let requests = 0;
    let answer = '';
    let problem;
    socket.on('connect', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.latin1Slice();
      const head = answer.indexOf('\r\n\r\n');
      if (head === -1 || answer.length < head + 4 + body.length) return;
      if (!answer.startsWith('HTTP/1.1 200 ') || answer.slice(head + 4) !== body) {
        problem = `the answer is ${answer.slice(0, 300)}`;
      }
      answer = '';
      requests++;
      if (problem || nowMicros() >= end) socket.destroy();
      else socket.write(text);
    });
    socket.on('error', (error) => (problem ??= error.message));
    socket.on('close', () =>
      resolve({ requests, problem: problem ?? (requests === 0 ? 'no answer' : undefined) }),
    );
  });
}
